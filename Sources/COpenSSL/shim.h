#ifndef TOKENCERT_COPENSSL_SHIM_H
#define TOKENCERT_COPENSSL_SHIM_H

#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Functions for macros that Swift does not import. The functions of typed stacks are macros.
static inline STACK_OF(X509) *tokencert_sk_X509_new_null(void) { return sk_X509_new_null(); }
static inline int tokencert_sk_X509_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}
static inline void tokencert_sk_X509_free(STACK_OF(X509) *stack) { sk_X509_free(stack); }
static inline STACK_OF(X509_EXTENSION) *tokencert_sk_X509_EXTENSION_new_null(void) {
    return sk_X509_EXTENSION_new_null();
}
static inline int tokencert_sk_X509_EXTENSION_push(
    STACK_OF(X509_EXTENSION) *stack, X509_EXTENSION *extension) {
    return sk_X509_EXTENSION_push(stack, extension);
}
static inline void tokencert_sk_X509_EXTENSION_pop_free(STACK_OF(X509_EXTENSION) *stack) {
    sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
}
static inline int tokencert_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) {
    return sk_GENERAL_NAME_num(names);
}
static inline GENERAL_NAME *tokencert_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
static inline int tokencert_sk_ASN1_OBJECT_num(const EXTENDED_KEY_USAGE *usages) {
    return sk_ASN1_OBJECT_num(usages);
}
static inline ASN1_OBJECT *tokencert_sk_ASN1_OBJECT_value(
    const EXTENDED_KEY_USAGE *usages, int index) {
    return sk_ASN1_OBJECT_value(usages, index);
}

static inline int tokencert_sk_OPENSSL_STRING_num(const STACK_OF(OPENSSL_STRING) *strings) {
    return sk_OPENSSL_STRING_num(strings);
}
static inline const char *tokencert_sk_OPENSSL_STRING_value(
    const STACK_OF(OPENSSL_STRING) *strings, int index) {
    return sk_OPENSSL_STRING_value(strings, index);
}

static inline long tokencert_BIO_get_mem_data(BIO *bio, char **data) {
    return BIO_get_mem_data(bio, data);
}
static inline EVP_PKEY *tokencert_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline EVP_PKEY *tokencert_EVP_RSA_gen(int bits) { return EVP_RSA_gen(bits); }
static inline void tokencert_OPENSSL_free(void *memory) { OPENSSL_free(memory); }

// Whether an error is "no start line", which OpenSSL reports at the end of PEM text.
static inline int tokencert_is_pem_end(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// A callback that refuses encrypted PEM. Without a callback, OpenSSL asks for a passphrase at the
// terminal.
static inline int tokencert_no_password(char *buffer, int size, int writing, void *user) {
    (void)buffer, (void)size, (void)writing, (void)user;
    return -1;
}

// The address in a GeneralName, which is a union; NULL if it is another type of name.
static inline const ASN1_IA5STRING *tokencert_GENERAL_NAME_rfc822(const GENERAL_NAME *name) {
    return name->type == GEN_EMAIL ? name->d.rfc822Name : NULL;
}

// The same for an address of the web or another URI.
static inline const ASN1_IA5STRING *tokencert_GENERAL_NAME_uri(const GENERAL_NAME *name) {
    return name->type == GEN_URI ? name->d.uniformResourceIdentifier : NULL;
}

static inline int tokencert_sk_DIST_POINT_num(const CRL_DIST_POINTS *points) {
    return sk_DIST_POINT_num(points);
}
// The full names of a distribution point, which is a union; NULL if its list has only some reasons,
// is from another CA, or has a relative name.
static inline GENERAL_NAMES *tokencert_DIST_POINT_full_name(
    const CRL_DIST_POINTS *points, int index) {
    const DIST_POINT *point = sk_DIST_POINT_value(points, index);
    if (point->reasons || point->CRLissuer) return NULL;
    if (!point->distpoint || point->distpoint->type != 0) return NULL;
    return point->distpoint->name.fullname;
}

// The parts of an issuingDistributionPoint, whose name is a union.
static inline int tokencert_scope_is_limited(const void *value) {
    const ISSUING_DIST_POINT *scope = (const ISSUING_DIST_POINT *)value;
    return scope->onlyuser || scope->onlyCA || scope->onlyattr || scope->indirectCRL
        || scope->onlysomereasons || (scope->distpoint && scope->distpoint->type != 0);
}
static inline GENERAL_NAMES *tokencert_scope_full_name(const void *value) {
    const ISSUING_DIST_POINT *scope = (const ISSUING_DIST_POINT *)value;
    if (!scope->distpoint || scope->distpoint->type != 0) return NULL;
    return scope->distpoint->name.fullname;
}
static inline void tokencert_scope_free(void *value) {
    ISSUING_DIST_POINT_free((ISSUING_DIST_POINT *)value);
}

// Whether an entry of a revocation list is for another CA, or has a critical extension other than a
// reason or a date of invalidity. A list can have a million entries, and the functions of typed
// stacks are macros.
static inline int tokencert_X509_CRL_has_foreign_entry(X509_CRL *list) {
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);
    for (int index = 0; index < sk_X509_REVOKED_num(entries); index++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, index);
        for (int place = 0; place < X509_REVOKED_get_ext_count(entry); place++) {
            X509_EXTENSION *extension = X509_REVOKED_get_ext(entry, place);
            int type = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
            if (type == NID_certificate_issuer) return 1;
            if (type == NID_crl_reason || type == NID_invalidity_date) continue;
            if (X509_EXTENSION_get_critical(extension)) return 1;
        }
    }
    return 0;
}

// The reason in an entry of a revocation list; -1 if there is none or it is malformed.
static inline long tokencert_X509_REVOKED_reason(const X509_REVOKED *entry) {
    ASN1_ENUMERATED *value =
        (ASN1_ENUMERATED *)X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    if (!value) return -1;
    long reason = ASN1_ENUMERATED_get(value);
    ASN1_ENUMERATED_free(value);
    return reason;
}

// Whether OpenSSL can decode an extension's value, or does not know its type.
#define TOKENCERT_EXTENSION_MALFORMED 0
#define TOKENCERT_EXTENSION_READABLE 1
#define TOKENCERT_EXTENSION_UNKNOWN 2
static inline int tokencert_extension_form(X509_EXTENSION *extension) {
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(extension);
    if (!method) return TOKENCERT_EXTENSION_UNKNOWN;
    void *value = X509V3_EXT_d2i(extension);
    if (!value) return TOKENCERT_EXTENSION_MALFORMED;
    if (method->it)
        ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    else
        method->ext_free(value);
    return TOKENCERT_EXTENSION_READABLE;
}

// The fields of a certificate (RFC 5280, section 4.1), of which the public key is checked only for its
// structure. d2i_X509 of OpenSSL 3.0 decodes the key with a provider, which takes ten times as long as
// everything else: a quarter of a millisecond for each certificate.
typedef struct {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *subjectPublicKey;
} TOKENCERT_KEY_INFO;
typedef struct {
    ASN1_INTEGER *version;
    ASN1_INTEGER *serialNumber;
    X509_ALGOR *signature;
    X509_NAME *issuer;
    X509_VAL *validity;
    X509_NAME *subject;
    TOKENCERT_KEY_INFO *subjectPublicKeyInfo;
    ASN1_BIT_STRING *issuerUniqueID;
    ASN1_BIT_STRING *subjectUniqueID;
    STACK_OF(X509_EXTENSION) *extensions;
} TOKENCERT_TO_BE_SIGNED;
typedef struct {
    TOKENCERT_TO_BE_SIGNED *tbsCertificate;
    X509_ALGOR *signatureAlgorithm;
    ASN1_BIT_STRING *signatureValue;
} TOKENCERT_CERTIFICATE;

ASN1_SEQUENCE(TOKENCERT_KEY_INFO) = {
    ASN1_SIMPLE(TOKENCERT_KEY_INFO, algorithm, X509_ALGOR),
    ASN1_SIMPLE(TOKENCERT_KEY_INFO, subjectPublicKey, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(TOKENCERT_KEY_INFO)
ASN1_SEQUENCE(TOKENCERT_TO_BE_SIGNED) = {
    ASN1_EXP_OPT(TOKENCERT_TO_BE_SIGNED, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, serialNumber, ASN1_INTEGER),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, signature, X509_ALGOR),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, issuer, X509_NAME),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, validity, X509_VAL),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, subject, X509_NAME),
    ASN1_SIMPLE(TOKENCERT_TO_BE_SIGNED, subjectPublicKeyInfo, TOKENCERT_KEY_INFO),
    ASN1_IMP_OPT(TOKENCERT_TO_BE_SIGNED, issuerUniqueID, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(TOKENCERT_TO_BE_SIGNED, subjectUniqueID, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(TOKENCERT_TO_BE_SIGNED, extensions, X509_EXTENSION, 3)
} static_ASN1_SEQUENCE_END(TOKENCERT_TO_BE_SIGNED)
ASN1_SEQUENCE(TOKENCERT_CERTIFICATE) = {
    ASN1_SIMPLE(TOKENCERT_CERTIFICATE, tbsCertificate, TOKENCERT_TO_BE_SIGNED),
    ASN1_SIMPLE(TOKENCERT_CERTIFICATE, signatureAlgorithm, X509_ALGOR),
    ASN1_SIMPLE(TOKENCERT_CERTIFICATE, signatureValue, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(TOKENCERT_CERTIFICATE)

static inline TOKENCERT_CERTIFICATE *tokencert_d2i_certificate(
    const unsigned char **place, long length) {
    return (TOKENCERT_CERTIFICATE *)ASN1_item_d2i(
        NULL, place, length, ASN1_ITEM_rptr(TOKENCERT_CERTIFICATE));
}
static inline void tokencert_certificate_free(TOKENCERT_CERTIFICATE *certificate) {
    ASN1_item_free((ASN1_VALUE *)certificate, ASN1_ITEM_rptr(TOKENCERT_CERTIFICATE));
}
// The extensions as an opaque pointer, which Swift imports for the stack of an X509.
static inline const STACK_OF(X509_EXTENSION) *tokencert_certificate_extensions(
    const TOKENCERT_CERTIFICATE *certificate) {
    return certificate->tbsCertificate->extensions;
}
// A BIT STRING, which Swift imports as a structure and not as an opaque pointer.
static inline int tokencert_bit_string_has(const void *bits, int index) {
    return ASN1_BIT_STRING_get_bit((const ASN1_BIT_STRING *)bits, index);
}
static inline void tokencert_bit_string_free(void *bits) {
    ASN1_BIT_STRING_free((ASN1_BIT_STRING *)bits);
}
// Whether the basicConstraints name a CA; they must be the only ones.
static inline int tokencert_extensions_name_ca(const STACK_OF(X509_EXTENSION) *extensions) {
    int is_critical = -1;
    BASIC_CONSTRAINTS *value = (BASIC_CONSTRAINTS *)X509V3_get_d2i(
        extensions, NID_basic_constraints, &is_critical, NULL);
    if (!value) return 0;
    int is_ca = value->ca != 0;
    BASIC_CONSTRAINTS_free(value);
    return is_ca;
}

// The flags for names in one line: UTF-8, in the order of the attributes.
static inline unsigned long tokencert_name_flags(void) {
    return (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB & ~XN_FLAG_DN_REV) | XN_FLAG_SEP_CPLUS_SPC;
}

#endif
