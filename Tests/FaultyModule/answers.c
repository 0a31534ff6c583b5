#include "answers.h"

#include <stdlib.h>
#include <string.h>

static CK_SESSION_HANDLE generating;

static unsigned initializations, generated_after;

void faulty_note_generation(CK_SESSION_HANDLE session) {
    generating = session;
    generated_after = initializations;
}

void faulty_note_initialization(void) { initializations++; }

// Whether keys are still returned incorrectly: see FAULTY_LATE_KEYS.
static int shows_keys_wrongly(CK_SESSION_HANDLE session) {
    const char *until = getenv("FAULTY_LATE_KEYS");
    if (!until || !generated_after) return 0;
    if (strncmp(until, "session", 7) == 0) return session == generating;
    if (strncmp(until, "module", 6) == 0) return initializations == generated_after;
    return 1;
}

// Converts a point from the standard's OCTET STRING to another form.
static CK_ULONG reshape_point(const char *form, const CK_BYTE *from, CK_ULONG length, CK_BYTE *to) {
    CK_ULONG header = length > 2 && from[1] >= 0x80 ? 3 : 2;
    CK_ULONG bare = length - header;
    if (strcmp(form, "raw") == 0) {
        memcpy(to, from + header, bare);
        return bare;
    }
    // A BIT STRING, which begins with the number of unused bits.
    to[0] = 0x03;
    CK_ULONG begin = 2;
    if (bare + 1 >= 0x80) {
        to[1] = 0x81;
        begin = 3;
    }
    to[begin - 1] = (CK_BYTE)(bare + 1);
    to[begin] = 0;
    memcpy(to + begin + 1, from + header, bare);
    return begin + 1 + bare;
}

// The explicit parameters of P-256, which some modules return instead of its name.
static const CK_BYTE name_of_p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const char numbers_of_p256[] =
    "3081e0020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffff"
    "ffffffff30440420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a"
    "93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b0441046b17d1f2e12c4247f8bce6e563a440f277037d"
    "812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5022100"
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101";

static CK_ULONG reshape_params(const CK_BYTE *from, CK_ULONG length, CK_BYTE *to) {
    if (length != sizeof name_of_p256 || memcmp(from, name_of_p256, length) != 0) {
        memcpy(to, from, length);
        return length;
    }
    CK_ULONG count = strlen(numbers_of_p256) / 2;
    for (CK_ULONG index = 0; index < count; index++) {
        char digits[3] = {numbers_of_p256[index * 2], numbers_of_p256[index * 2 + 1], 0};
        to[index] = (CK_BYTE)strtoul(digits, NULL, 16);
    }
    return count;
}

// Returns a value as C_GetAttributeValue requires.
static CK_RV hand_out(CK_ATTRIBUTE_PTR attribute, const CK_BYTE *value, CK_ULONG length) {
    if (!attribute->pValue) {
        attribute->ulValueLen = length;
        return CKR_OK;
    }
    if (attribute->ulValueLen < length) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(attribute->pValue, value, length);
    attribute->ulValueLen = length;
    return CKR_OK;
}

static int is_late(CK_ATTRIBUTE_TYPE type) {
    return type == CKA_SENSITIVE || type == CKA_NEVER_EXTRACTABLE || type == CKA_ALWAYS_SENSITIVE || type == CKA_LOCAL;
}

static CK_ULONG size_of_type(CK_ATTRIBUTE_TYPE type) {
    switch (type) {
    case CKA_CLASS:
    case CKA_KEY_TYPE:
    case CKA_CERTIFICATE_TYPE:
    case CKA_CERTIFICATE_CATEGORY:
    case CKA_KEY_GEN_MECHANISM:
    case CKA_MODULUS_BITS: return sizeof(CK_ULONG);
    case CKA_TOKEN:
    case CKA_PRIVATE:
    case CKA_SENSITIVE:
    case CKA_ALWAYS_SENSITIVE:
    case CKA_EXTRACTABLE:
    case CKA_NEVER_EXTRACTABLE:
    case CKA_LOCAL:
    case CKA_ALWAYS_AUTHENTICATE:
    case CKA_SIGN:
    case CKA_TRUSTED: return sizeof(CK_BBOOL);
    default: return 0;
    }
}

static CK_RV get_one(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attribute) {
    CK_BYTE from[1024], to[1100];
    CK_ATTRIBUTE whole = {attribute->type, from, sizeof from};
    const char *point = getenv("FAULTY_EC_POINT");
    int reshapes_point = point && attribute->type == CKA_EC_POINT;
    int reshapes_params = getenv("FAULTY_EC_PARAMS") && attribute->type == CKA_EC_PARAMS;
    int hides = (getenv("FAULTY_LATE_ATTRIBUTES") && session == generating && is_late(attribute->type)) ||
                (getenv("FAULTY_NOT_LOCAL") && attribute->type == CKA_LOCAL);
    int spoils = (attribute->type == CKA_MODULUS || attribute->type == CKA_EC_POINT) && shows_keys_wrongly(session);
    const char *until = getenv("FAULTY_LATE_KEYS");
    if (spoils && strstr(until, "-absent")) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (spoils) {
        CK_RV rv = real->C_GetAttributeValue(session, object, &whole, 1);
        if (rv != CKR_OK) {
            attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
            return rv;
        }
        // The key of another pair, or half of the modulus.
        if (strstr(until, "-other"))
            from[whole.ulValueLen / 2] ^= 0x55;
        else
            whole.ulValueLen /= 2;
        return hand_out(attribute, from, whole.ulValueLen);
    }
    if (reshapes_point || reshapes_params || hides) {
        CK_RV rv = real->C_GetAttributeValue(session, object, &whole, 1);
        if (rv != CKR_OK) {
            attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
            return rv;
        }
        if (hides) {
            CK_BYTE no = CK_FALSE;
            return hand_out(attribute, &no, 1);
        }
        CK_ULONG length = reshapes_point ? reshape_point(point, from, whole.ulValueLen, to)
                                         : reshape_params(from, whole.ulValueLen, to);
        return hand_out(attribute, to, length);
    }
    CK_ULONG size = size_of_type(attribute->type);
    const char *boolean_size = getenv("FAULTY_BOOLEAN_SIZE");
    int is_boolean = size == sizeof(CK_BBOOL);
    if (boolean_size && is_boolean) size = strtoul(boolean_size, NULL, 10);
    if (getenv("FAULTY_EXACT_SIZES") && size && attribute->pValue && attribute->ulValueLen != size) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (boolean_size && is_boolean) {
        CK_RV rv = real->C_GetAttributeValue(session, object, &whole, 1);
        if (rv != CKR_OK) {
            attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
            return rv;
        }
        CK_BYTE long_boolean[16] = {from[0]};
        return hand_out(attribute, long_boolean, size < sizeof long_boolean ? size : sizeof long_boolean);
    }
    CK_RV rv = real->C_GetAttributeValue(session, object, attribute, 1);
    const char *more = getenv("FAULTY_LONG_ANSWERS");
    if (more && rv == CKR_OK && !attribute->pValue) attribute->ulValueLen += strtoul(more, NULL, 10);
    return rv;
}

CK_RV faulty_get_attributes(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes,
    CK_ULONG count) {
    static const char *const variables[] = {
        "FAULTY_EC_POINT",        "FAULTY_EC_PARAMS", "FAULTY_LONG_ANSWERS",
        "FAULTY_LATE_ATTRIBUTES", "FAULTY_LATE_KEYS", "FAULTY_NOT_LOCAL",
        "FAULTY_EXACT_SIZES",     "FAULTY_BOOLEAN_SIZE"};
    int reshapes = 0;
    for (size_t index = 0; index < sizeof variables / sizeof *variables; index++)
        if (getenv(variables[index])) reshapes = 1;
    if (!reshapes) return real->C_GetAttributeValue(session, object, attributes, count);
    CK_RV result = CKR_OK;
    for (CK_ULONG index = 0; index < count; index++) {
        CK_RV rv = get_one(real, session, object, &attributes[index]);
        if (rv != CKR_OK) result = rv;
    }
    return result;
}
