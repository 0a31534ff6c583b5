// Fills a token: a quarter private keys, a quarter public keys, half certificates.
// usage: fill OBJECTS

#include "token.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

int main(int count, char **arguments) {
    int objects = count > 1 ? atoi(arguments[1]) : 10;
    open_token();
    EVP_PKEY *ca = EVP_EC_gen("P-256");
    // Objects come in groups of four: two keys and two certificates.
    for (int index = 0; index * 4 < objects; index++) {
        unsigned char id[4] = {1, index >> 16, index >> 8, index}, point[65];
        generate(id, 4, point);
        EVP_PKEY *key = key_of(point);
        for (int turn = 0; turn < 2 && index * 4 + 2 + turn < objects; turn++) {
            X509 *certificate = X509_new();
            char name[64];
            snprintf(name, sizeof name, "Member %d", index);
            X509_set_version(certificate, 2);
            ASN1_INTEGER_set(X509_get_serialNumber(certificate), index * 2 + turn + 1);
            X509_NAME_add_entry_by_txt(
                X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (unsigned char *)name, -1,
                -1, 0);
            X509_NAME_add_entry_by_txt(
                X509_get_issuer_name(certificate), "CN", MBSTRING_UTF8, (unsigned char *)"Bench CA",
                -1, -1, 0);
            X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
            X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * 730);
            X509_set_pubkey(certificate, key);
            X509_sign(certificate, ca, EVP_sha256());
            unsigned char *der = NULL;
            int length = i2d_X509(certificate, &der);
            write_certificate(id, 4, der, length);
            OPENSSL_free(der);
            X509_free(certificate);
        }
        EVP_PKEY_free(key);
    }
    token->C_Finalize(NULL);
    return 0;
}
