// The minimum work to issue a certificate: only the calls that are needed to get it onto the token,
// without any check. tokencert is measured against it; it is not an example to follow.

#include "token.h"

#include <curl/curl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

static char answer[65536];
static size_t answered;

static size_t collect(char *data, size_t size, size_t count, void *user) {
    (void)user;
    if (answered + size * count >= sizeof answer) return 0;
    memcpy(answer + answered, data, size * count);
    answered += size * count;
    return size * count;
}

int main(void) {
    open_token();
    unsigned char id[8], point[65];
    RAND_bytes(id, sizeof id);
    CK_OBJECT_HANDLE key = generate(id, sizeof id, point);

    X509_REQ *request = X509_REQ_new();
    X509_NAME_add_entry_by_txt(
        X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8, (unsigned char *)"x", -1, -1, 0);
    X509_REQ_set_pubkey(request, key_of(point));
    unsigned char *tbs = NULL, hash[32], raw[64];
    int length = i2d_re_X509_REQ_tbs(request, &tbs);
    EVP_Digest(tbs, length, hash, NULL, EVP_sha256(), NULL);
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_ULONG raw_length = sizeof raw;
    DO(token->C_SignInit(session, &ecdsa, key));
    DO(token->C_Sign(session, hash, sizeof hash, raw, &raw_length));
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
    unsigned char *signature = NULL;
    int signature_length = i2d_ECDSA_SIG(pair, &signature);
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    ASN1_BIT_STRING_set(bits, signature, signature_length);
    bits->flags = ASN1_STRING_FLAG_BITS_LEFT;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL);
    X509_REQ_set1_signature_algo(request, algorithm);
    X509_REQ_set0_signature(request, bits);
    BIO *pem = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(pem, request);
    char *text;
    long text_length = BIO_get_mem_data(pem, &text);

    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    // The account is asked for its names and addresses. As with tokencert, each request has its own
    // connection: libcurl would send a request again if the server closes a reused one.
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    char question[1024];
    snprintf(
        question, sizeof question, "username=anna%%40example.org&password=%s",
        getenv("BENCH_PASSWORD"));
    curl_easy_setopt(curl, CURLOPT_URL, getenv("BENCH_ACCOUNT_URL"));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question);
    if (curl_easy_perform(curl) != CURLE_OK) return 1;
    answered = 0;
    char form[8192], *escaped = curl_easy_escape(curl, text, (int)text_length);
    snprintf(
        form, sizeof form,
        "username=anna%%40example.org&password=%s&email%%5B0%%5D=anna%%40example.org&name=x"
        "&codesign=0&optionalCSR=%s",
        getenv("BENCH_PASSWORD"), escaped);
    curl_easy_setopt(curl, CURLOPT_URL, getenv("BENCH_URL"));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    if (curl_easy_perform(curl) != CURLE_OK) return 1;

    BIO *input = BIO_new_mem_buf(answer, (int)answered);
    X509 *certificate = PEM_read_bio_X509(input, NULL, NULL, NULL);
    if (!certificate) {
        fprintf(stderr, "%s\n", answer);
        return 1;
    }
    unsigned char *der = NULL;
    int der_length = i2d_X509(certificate, &der);
    write_certificate(id, sizeof id, der, der_length);
    token->C_Finalize(NULL);
    return 0;
}
