// Code that the benchmark programs share: a logged-in session with the only token.

#include <dlfcn.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DO(call)                                                                \
    do {                                                                        \
        CK_RV rv_ = (call);                                                     \
        if (rv_ != CKR_OK) {                                                    \
            fprintf(stderr, "%s:%d: 0x%lx\n", __FILE__, __LINE__, rv_);         \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

static CK_FUNCTION_LIST_PTR token;
static CK_SESSION_HANDLE session;

// The module's path and the file with the PIN come from the environment.
static void open_token(void) {
    void *module = dlopen(getenv("TOKENCERT_MODULE"), RTLD_NOW);
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    DO(get(&token));
    DO(token->C_Initialize(NULL));
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;
    DO(token->C_GetSlotList(CK_TRUE, slots, &count));
    DO(token->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    char pin[64] = "";
    FILE *file = fopen(getenv("BENCH_PIN_FILE"), "r");
    if (!file || !fgets(pin, sizeof pin, file)) exit(1);
    fclose(file);
    pin[strcspn(pin, "\n")] = 0;
    DO(token->C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin)));
}

// Generates a P-256 key pair and returns its private key and its point, 65 bytes.
__attribute__((unused)) static CK_OBJECT_HANDLE generate(unsigned char *id, CK_ULONG id_length, unsigned char point[65]) {
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    unsigned char p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE public_template[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_ID, id, id_length}, {CKA_LABEL, "bench", 5}};
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_SENSITIVE, &yes, 1},
        {CKA_EXTRACTABLE, &no, 1}, {CKA_SIGN, &yes, 1}, {CKA_ID, id, id_length},
        {CKA_LABEL, "bench", 5}};
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public_key, private_key;
    DO(token->C_GenerateKeyPair(
        session, &mechanism, public_template, 5, private_template, 7, &public_key, &private_key));
    unsigned char der[67];
    CK_ATTRIBUTE value = {CKA_EC_POINT, der, sizeof der};
    DO(token->C_GetAttributeValue(session, public_key, &value, 1));
    memcpy(point, der + 2, 65);
    return private_key;
}

// Writes a certificate in DER.
__attribute__((unused)) static void write_certificate(
    unsigned char *id, CK_ULONG id_length, unsigned char *der, CK_ULONG length) {
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1}, {CKA_ID, id, id_length},
        {CKA_LABEL, "bench", 5}, {CKA_SUBJECT, "", 0}, {CKA_VALUE, der, length}};
    CK_OBJECT_HANDLE object;
    DO(token->C_CreateObject(session, template, 8, &object));
}

// The P-256 public key with a given point.
__attribute__((unused)) static EVP_PKEY *key_of(unsigned char point[65]) {
    static const unsigned char head[] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
        0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    unsigned char der[sizeof head + 65];
    memcpy(der, head, sizeof head);
    memcpy(der + sizeof head, point, 65);
    const unsigned char *place = der;
    return d2i_PUBKEY(NULL, &place, sizeof der);
}
