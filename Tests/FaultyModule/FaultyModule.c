// A PKCS#11 module that forwards calls to another one and fails on request. See README.md.

#include "FaultyModule.h"
#include "answers.h"
#include "files.h"
#include "roles.h"
#include "rules.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static CK_FUNCTION_LIST real;
static CK_FUNCTION_LIST table;
static int context_login;
static CK_SLOT_ID last_slot;

// MARK: Functions that change calls

static CK_ULONG flags_in(const char *variable) {
    static const struct { const char *name; CK_FLAGS flag; } names[] = {
        {"WRITE_PROTECTED", CKF_WRITE_PROTECTED},
        {"LOGIN_REQUIRED", CKF_LOGIN_REQUIRED},
        {"USER_PIN_INITIALIZED", CKF_USER_PIN_INITIALIZED},
        {"PROTECTED_AUTHENTICATION_PATH", CKF_PROTECTED_AUTHENTICATION_PATH},
        {"TOKEN_INITIALIZED", CKF_TOKEN_INITIALIZED},
        {"USER_PIN_COUNT_LOW", CKF_USER_PIN_COUNT_LOW},
        {"USER_PIN_FINAL_TRY", CKF_USER_PIN_FINAL_TRY},
        {"USER_PIN_LOCKED", CKF_USER_PIN_LOCKED},
        {"USER_PIN_TO_BE_CHANGED", CKF_USER_PIN_TO_BE_CHANGED},
        {"SO_PIN_COUNT_LOW", CKF_SO_PIN_COUNT_LOW},
        {"SO_PIN_FINAL_TRY", CKF_SO_PIN_FINAL_TRY},
        {"SO_PIN_LOCKED", CKF_SO_PIN_LOCKED},
        {"SO_PIN_TO_BE_CHANGED", CKF_SO_PIN_TO_BE_CHANGED},
    };
    CK_FLAGS flags = 0;
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (faulty_listed(variable, names[index].name)) flags |= names[index].flag;
    return flags;
}

// With FAULTY_SWAP_FILE there is one slot; while the file exists, the second token is in it.
static int one_reader(CK_SLOT_ID slots[2]) {
    CK_SLOT_ID all[16];
    CK_ULONG count = 16;
    if (!getenv("FAULTY_SWAP_FILE") || real.C_GetSlotList(CK_TRUE, all, &count) != CKR_OK || count < 2) return 0;
    slots[0] = all[0];
    slots[1] = all[1];
    return 1;
}

static CK_SLOT_ID behind(CK_SLOT_ID slot) {
    CK_SLOT_ID slots[2];
    if (!one_reader(slots) || access(getenv("FAULTY_SWAP_FILE"), F_OK) != 0) return slot;
    return slots[1];
}

// Copies of this module may start at the same time with one module behind them, which need not allow that.
static CK_RV initialize_real(CK_C_INITIALIZE_ARGS *arguments) {
    const char *path = getenv("FAULTY_MODULE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) flock(file, LOCK_EX);
    CK_RV rv = real.C_Initialize(arguments);
    if (file >= 0) close(file);
    return rv;
}

static CK_RV own_C_Initialize(void *arguments) {
    faulty_note_initialization();
    const char *noise = getenv("FAULTY_NOISE");
    unsigned long lines = noise ? strtoul(noise, NULL, 10) : 0;
    for (unsigned long line = 1; line <= lines; line++) fprintf(stderr, "faulty module: line %lu\n", line);
    if (getenv("FAULTY_OUTPUT")) printf("faulty module: output\n");
    const char *needed = getenv("FAULTY_RESERVED");
    CK_C_INITIALIZE_ARGS *given = arguments;
    if (!needed) return initialize_real(given);
    if (!given || !given->pReserved || strcmp(given->pReserved, needed) != 0) return CKR_ARGUMENTS_BAD;
    // The wrapped module requires none.
    CK_C_INITIALIZE_ARGS passed = *given;
    passed.pReserved = NULL;
    return initialize_real(&passed);
}

static CK_RV own_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count) {
    CK_SLOT_ID slots[2];
    if (one_reader(slots)) {
        if (list && *count < 1) return CKR_BUFFER_TOO_SMALL;
        if (list) list[0] = slots[0];
        *count = 1;
        return CKR_OK;
    }
    if (!present || faulty_token_is_in()) return real.C_GetSlotList(present, list, count);
    *count = 0;
    return CKR_OK;
}

static CK_RV own_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info) {
    CK_RV rv = real.C_GetSlotInfo(behind(slot), info);
    if (rv == CKR_OK && !faulty_token_is_in()) info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
    return rv;
}

static CK_RV own_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
    CK_RV rv = real.C_GetTokenInfo(behind(slot), info);
    if (rv != CKR_OK) return rv;
    info->flags |= flags_in("FAULTY_SET_FLAGS");
    info->flags &= ~flags_in("FAULTY_CLEAR_FLAGS");
    return rv;
}

static CK_RV own_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
    if (user == CKU_CONTEXT_SPECIFIC && getenv("FAULTY_CONTEXT_LOGIN")) {
        context_login = 1;
        return CKR_OK;
    }
    if (faulty_has_roles() && user != CKU_CONTEXT_SPECIFIC)
        return faulty_role_login(&real, session, user, pin, length);
    char *keypad = getenv("FAULTY_KEYPAD_PIN");
    if (keypad && !pin) return real.C_Login(session, user, (CK_UTF8CHAR_PTR)keypad, strlen(keypad));
    return real.C_Login(session, user, pin, length);
}

static void lose_login(void) {
    CK_SESSION_HANDLE session;
    if (real.C_OpenSession(last_slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) != CKR_OK) return;
    real.C_Logout(session);
    real.C_CloseSession(session);
}

static CK_RV own_C_OpenSession(
    CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
    if (faulty_has_roles()) return faulty_role_open(&real, slot, flags, session);
    last_slot = behind(slot);
    faulty_lose_login = lose_login;
    return real.C_OpenSession(last_slot, flags, application, notify, session);
}

static CK_RV own_C_Logout(CK_SESSION_HANDLE session) {
    return faulty_has_roles() ? faulty_role_logout(&real, session) : real.C_Logout(session);
}

// Gives the named attributes an invalid length, so the wrapped module rejects them after it has created part of an
// object.
static void spoil(CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
    static CK_BYTE nonsense[3] = {1, 1, 1};
    for (CK_ULONG index = 0; index < count; index++)
        if (faulty_listed_number("FAULTY_SPOIL_ATTRIBUTES", attributes[index].type)) {
            attributes[index].pValue = nonsense;
            attributes[index].ulValueLen = sizeof nonsense;
        }
}

static CK_RV refusal(CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
    if (faulty_role_forbids_writing()) return CKR_USER_NOT_LOGGED_IN;
    spoil(attributes, count);
    const char *limit = getenv("FAULTY_CERTIFICATE_LIMIT");
    int is_certificate = 0;
    CK_ULONG value = 0;
    for (CK_ULONG index = 0; index < count; index++) {
        CK_ATTRIBUTE *attribute = &attributes[index];
        if (faulty_listed_number("FAULTY_REJECT_ATTRIBUTES", attribute->type))
            return CKR_ATTRIBUTE_TYPE_INVALID;
        if (attribute->type == CKA_CLASS && attribute->ulValueLen == sizeof(CK_OBJECT_CLASS))
            is_certificate = *(CK_OBJECT_CLASS *)attribute->pValue == CKO_CERTIFICATE;
        if (attribute->type == CKA_VALUE) value = attribute->ulValueLen;
    }
    return limit && is_certificate && value > strtoul(limit, NULL, 10) ? CKR_DEVICE_MEMORY : CKR_OK;
}

static CK_RV own_C_CreateObject(
    CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_OBJECT_HANDLE_PTR object) {
    CK_RV rv = refusal(template, count);
    if (rv == CKR_OK) rv = real.C_CreateObject(session, template, count, object);
    if (rv == CKR_OK) faulty_file_changed(&real, last_slot, *object);
    return rv;
}

static CK_RV own_C_SetAttributeValue(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template, CK_ULONG count) {
    CK_RV rv = refusal(template, count);
    return rv != CKR_OK ? rv : real.C_SetAttributeValue(session, object, template, count);
}

static CK_RV own_C_GenerateKeyPair(
    CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_template,
    CK_ULONG public_count, CK_ATTRIBUTE_PTR private_template, CK_ULONG private_count,
    CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key) {
    CK_RV rv = refusal(public_template, public_count);
    if (rv == CKR_OK) rv = refusal(private_template, private_count);
    if (rv != CKR_OK) return rv;
    faulty_note_generation(session);
    return real.C_GenerateKeyPair(
        session, mechanism, public_template, public_count, private_template, private_count, public_key,
        private_key);
}

static CK_RV own_C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
    if (faulty_role_forbids_writing()) return CKR_USER_NOT_LOGGED_IN;
    const char *kept = getenv("FAULTY_DESTROYS_NOTHING");
    if (kept && strcmp(kept, "private") != 0) return CKR_OK;
    if (kept) {
        CK_OBJECT_CLASS class = 0;
        CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof class};
        real.C_GetAttributeValue(session, object, &attribute, 1);
        if (class == CKO_PRIVATE_KEY) return CKR_OK;
    }
    faulty_file_changed(&real, last_slot, object);
    faulty_file_removed(&real, session, object);
    return real.C_DestroyObject(session, object);
}

static CK_RV own_C_Finalize(void *reserved) {
    faulty_files_settle(&real);
    return real.C_Finalize(reserved);
}

static CK_RV own_C_FindObjectsInit(
    CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
    CK_ATTRIBUTE kept[32];
    CK_ULONG number = 0;
    for (CK_ULONG index = 0; index < count && number < 32; index++)
        if (!faulty_listed_number("FAULTY_IGNORE_IN_SEARCH", attributes[index].type))
            kept[number++] = attributes[index];
    return real.C_FindObjectsInit(session, number ? kept : NULL, number);
}

// Continues a finished search with its last object, or with invalid handles.
static void never_end(CK_OBJECT_HANDLE_PTR objects, CK_ULONG most, CK_ULONG_PTR count) {
    static CK_OBJECT_HANDLE last = 1;
    const char *manner = getenv("FAULTY_FIND_FOREVER");
    if (!manner || !most) return;
    if (*count) {
        last = objects[*count - 1];
        return;
    }
    if (strcmp(manner, "same") == 0) {
        objects[0] = last;
        *count = 1;
        return;
    }
    for (*count = 0; *count < most; ++*count) objects[*count] = ++last;
}

static CK_RV own_C_FindObjects(
    CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG most, CK_ULONG_PTR count) {
    if (getenv("FAULTY_FIND_ONE") && most > 1) most = 1;
    CK_RV rv;
    CK_ULONG found;
    do {
        rv = real.C_FindObjects(session, objects, most, count);
        found = rv == CKR_OK ? *count : 0;
        // Hidden objects do not end the search.
        if (found) faulty_role_hide(&real, session, objects, count);
    } while (found && *count == 0);
    if (rv == CKR_OK) never_end(objects, most, count);
    return rv;
}

static int drops_mechanism(CK_MECHANISM_TYPE type) {
    return faulty_listed_number("FAULTY_DROP_MECHANISMS", type);
}

static CK_RV own_C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count) {
    CK_RV rv = real.C_GetMechanismList(behind(slot), list, count);
    if (rv != CKR_OK || !list) return rv;
    CK_ULONG kept = 0;
    for (CK_ULONG index = 0; index < *count; index++)
        if (!drops_mechanism(list[index])) list[kept++] = list[index];
    *count = kept;
    return rv;
}

static CK_RV own_C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info) {
    if (drops_mechanism(type)) return CKR_MECHANISM_INVALID;
    const char *limit = getenv("FAULTY_RSA_LIMIT");
    CK_RV rv = real.C_GetMechanismInfo(behind(slot), type, info);
    if (rv == CKR_OK && limit && type == CKM_RSA_PKCS_KEY_PAIR_GEN) info->ulMaxKeySize = strtoul(limit, NULL, 10);
    return rv;
}

static CK_RV own_C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
    if (mechanism && drops_mechanism(mechanism->mechanism)) return CKR_MECHANISM_INVALID;
    if (faulty_role_forbids_signing()) return CKR_USER_NOT_LOGGED_IN;
    return real.C_SignInit(session, mechanism, key);
}

static CK_RV own_C_Sign(
    CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature,
    CK_ULONG_PTR signature_length) {
    if (getenv("FAULTY_CONTEXT_LOGIN") && !context_login) {
        // An error ends the operation, so it must also end in the wrapped module.
        CK_BYTE lost[1024];
        CK_ULONG lost_length = sizeof lost;
        real.C_Sign(session, data, length, lost, &lost_length);
        return CKR_USER_NOT_LOGGED_IN;
    }
    context_login = 0;
    return real.C_Sign(session, data, length, signature, signature_length);
}

// MARK: Every function

// The counts and lengths that these functions return are changed if a rule says so.
#define CHANGE_NOTHING
#define CHANGE_LENGTH(length) if (rv == CKR_OK && (length)) faulty_change_length(&call, length);
#define CHANGE_VALUES(attributes, count)                                            \
    if (rv == CKR_OK)                                                               \
        for (CK_ULONG index = 0; index < (count); index++)                          \
            if ((attributes)[index].ulValueLen != CK_UNAVAILABLE_INFORMATION)       \
                faulty_change_length(&call, &(attributes)[index].ulValueLen);

#define FUNCTION(name, detail, function, parameters, arguments, change)             \
    static CK_RV faulty_##name parameters {                                         \
        static unsigned long count_of_##name;                                       \
        struct call call = {#name, 0, 0};                                           \
        CK_RV rv = CKR_OK;                                                          \
        if (faulty_before(&call, &count_of_##name, detail, &rv)) return rv;         \
        rv = function arguments;                                                    \
        change                                                                      \
        return faulty_after(&call, rv);                                             \
    }

#define PASS(name, parameters, arguments) \
    FUNCTION(name, "", real.name, parameters, arguments, CHANGE_NOTHING)
#define OWN(name, parameters, arguments) \
    FUNCTION(name, "", own_##name, parameters, arguments, CHANGE_NOTHING)

#define SESSION CK_SESSION_HANDLE session
#define BYTES(name) CK_BYTE_PTR name, CK_ULONG name##_length
#define RESULT CK_BYTE_PTR result, CK_ULONG_PTR result_length

OWN(C_Initialize, (void *arguments), (arguments))
OWN(C_Finalize, (void *reserved), (reserved))
PASS(C_GetInfo, (CK_INFO_PTR info), (info))
FUNCTION(C_GetSlotList, "", own_C_GetSlotList,
         (CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count), (present, list, count),
         CHANGE_LENGTH(count))
OWN(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO_PTR info), (slot, info))
OWN(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info), (slot, info))
FUNCTION(C_GetMechanismList, "", own_C_GetMechanismList,
         (CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count), (slot, list, count),
         CHANGE_LENGTH(count))
OWN(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info), (slot, type, info))
PASS(C_InitToken, (CK_SLOT_ID slot, BYTES(pin), CK_UTF8CHAR_PTR label), (slot, pin, pin_length, label))
PASS(C_InitPIN, (SESSION, BYTES(pin)), (session, pin, pin_length))
PASS(C_SetPIN, (SESSION, BYTES(old), BYTES(new)), (session, old, old_length, new, new_length))
OWN(C_OpenSession,
     (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session),
     (slot, flags, application, notify, session))
PASS(C_CloseSession, (SESSION), (session))
PASS(C_CloseAllSessions, (CK_SLOT_ID slot), (slot))
PASS(C_GetSessionInfo, (SESSION, CK_SESSION_INFO_PTR info), (session, info))
PASS(C_GetOperationState, (SESSION, RESULT), (session, result, result_length))
PASS(C_SetOperationState,
     (SESSION, BYTES(state), CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE authentication),
     (session, state, state_length, encryption, authentication))
FUNCTION(C_Login, user == CKU_SO ? "SO" : user == CKU_USER ? "user" : "context", own_C_Login,
         (SESSION, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length), (session, user, pin, length),
         CHANGE_NOTHING)
OWN(C_Logout, (SESSION), (session))
OWN(C_CreateObject, (SESSION, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR object),
    (session, attributes, count, object))
PASS(C_CopyObject,
     (SESSION, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR copy),
     (session, object, attributes, count, copy))
OWN(C_DestroyObject, (SESSION, CK_OBJECT_HANDLE object), (session, object))
PASS(C_GetObjectSize, (SESSION, CK_OBJECT_HANDLE object, CK_ULONG_PTR size), (session, object, size))
FUNCTION(C_GetAttributeValue, "", faulty_get_attributes,
         (SESSION, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count),
         (&real, session, object, attributes, count), CHANGE_VALUES(attributes, count))
OWN(C_SetAttributeValue, (SESSION, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR attributes, CK_ULONG count),
    (session, object, attributes, count))
OWN(C_FindObjectsInit, (SESSION, CK_ATTRIBUTE_PTR attributes, CK_ULONG count), (session, attributes, count))
FUNCTION(C_FindObjects, "", own_C_FindObjects,
         (SESSION, CK_OBJECT_HANDLE_PTR objects, CK_ULONG most, CK_ULONG_PTR count),
         (session, objects, most, count), CHANGE_LENGTH(count))
PASS(C_FindObjectsFinal, (SESSION), (session))
PASS(C_EncryptInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(C_Encrypt, (SESSION, BYTES(data), RESULT), (session, data, data_length, result, result_length))
PASS(C_EncryptUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_EncryptFinal, (SESSION, RESULT), (session, result, result_length))
PASS(C_DecryptInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(C_Decrypt, (SESSION, BYTES(data), RESULT), (session, data, data_length, result, result_length))
PASS(C_DecryptUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_DecryptFinal, (SESSION, RESULT), (session, result, result_length))
PASS(C_DigestInit, (SESSION, CK_MECHANISM_PTR mechanism), (session, mechanism))
PASS(C_Digest, (SESSION, BYTES(data), RESULT), (session, data, data_length, result, result_length))
PASS(C_DigestUpdate, (SESSION, BYTES(part)), (session, part, part_length))
PASS(C_DigestKey, (SESSION, CK_OBJECT_HANDLE key), (session, key))
PASS(C_DigestFinal, (SESSION, RESULT), (session, result, result_length))
OWN(C_SignInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
FUNCTION(C_Sign, "", own_C_Sign, (SESSION, BYTES(data), RESULT),
         (session, data, data_length, result, result_length), CHANGE_LENGTH(result_length))
PASS(C_SignUpdate, (SESSION, BYTES(part)), (session, part, part_length))
PASS(C_SignFinal, (SESSION, RESULT), (session, result, result_length))
PASS(C_SignRecoverInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(C_SignRecover, (SESSION, BYTES(data), RESULT), (session, data, data_length, result, result_length))
PASS(C_VerifyInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(C_Verify, (SESSION, BYTES(data), BYTES(signature)),
     (session, data, data_length, signature, signature_length))
PASS(C_VerifyUpdate, (SESSION, BYTES(part)), (session, part, part_length))
PASS(C_VerifyFinal, (SESSION, BYTES(signature)), (session, signature, signature_length))
PASS(C_VerifyRecoverInit, (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
PASS(C_VerifyRecover, (SESSION, BYTES(signature), RESULT),
     (session, signature, signature_length, result, result_length))
PASS(C_DigestEncryptUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_DecryptDigestUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_SignEncryptUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_DecryptVerifyUpdate, (SESSION, BYTES(part), RESULT), (session, part, part_length, result, result_length))
PASS(C_GenerateKey,
     (SESSION, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR attributes, CK_ULONG count, CK_OBJECT_HANDLE_PTR key),
     (session, mechanism, attributes, count, key))
OWN(C_GenerateKeyPair,
    (SESSION, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR public_template, CK_ULONG public_count,
     CK_ATTRIBUTE_PTR private_template, CK_ULONG private_count, CK_OBJECT_HANDLE_PTR public_key,
     CK_OBJECT_HANDLE_PTR private_key),
    (session, mechanism, public_template, public_count, private_template, private_count, public_key, private_key))
PASS(C_WrapKey,
     (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, RESULT),
     (session, mechanism, wrapping, key, result, result_length))
PASS(C_UnwrapKey,
     (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping, BYTES(wrapped), CK_ATTRIBUTE_PTR attributes,
      CK_ULONG count, CK_OBJECT_HANDLE_PTR key),
     (session, mechanism, unwrapping, wrapped, wrapped_length, attributes, count, key))
PASS(C_DeriveKey,
     (SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE base, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
      CK_OBJECT_HANDLE_PTR key),
     (session, mechanism, base, attributes, count, key))
PASS(C_SeedRandom, (SESSION, BYTES(seed)), (session, seed, seed_length))
PASS(C_GenerateRandom, (SESSION, BYTES(random)), (session, random, random_length))
PASS(C_GetFunctionStatus, (SESSION), (session))
PASS(C_CancelFunction, (SESSION), (session))
PASS(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID_PTR slot, void *reserved), (flags, slot, reserved))

// A function that the wrapped module lacks is also missing here.
#define ENTRY(name) \
    table.name = !real.name || faulty_listed("FAULTY_DROP_FUNCTIONS", #name) ? NULL : faulty_##name;

static void fill_table(void) {
    table.version = real.version;
    table.C_GetFunctionList = C_GetFunctionList;
    ENTRY(C_Initialize) ENTRY(C_Finalize) ENTRY(C_GetInfo) ENTRY(C_GetSlotList) ENTRY(C_GetSlotInfo)
    ENTRY(C_GetTokenInfo) ENTRY(C_GetMechanismList) ENTRY(C_GetMechanismInfo) ENTRY(C_InitToken)
    ENTRY(C_InitPIN) ENTRY(C_SetPIN) ENTRY(C_OpenSession) ENTRY(C_CloseSession)
    ENTRY(C_CloseAllSessions) ENTRY(C_GetSessionInfo) ENTRY(C_GetOperationState)
    ENTRY(C_SetOperationState) ENTRY(C_Login) ENTRY(C_Logout) ENTRY(C_CreateObject)
    ENTRY(C_CopyObject) ENTRY(C_DestroyObject) ENTRY(C_GetObjectSize) ENTRY(C_GetAttributeValue)
    ENTRY(C_SetAttributeValue) ENTRY(C_FindObjectsInit) ENTRY(C_FindObjects)
    ENTRY(C_FindObjectsFinal) ENTRY(C_EncryptInit) ENTRY(C_Encrypt) ENTRY(C_EncryptUpdate)
    ENTRY(C_EncryptFinal) ENTRY(C_DecryptInit) ENTRY(C_Decrypt) ENTRY(C_DecryptUpdate)
    ENTRY(C_DecryptFinal) ENTRY(C_DigestInit) ENTRY(C_Digest) ENTRY(C_DigestUpdate)
    ENTRY(C_DigestKey) ENTRY(C_DigestFinal) ENTRY(C_SignInit) ENTRY(C_Sign) ENTRY(C_SignUpdate)
    ENTRY(C_SignFinal) ENTRY(C_SignRecoverInit) ENTRY(C_SignRecover) ENTRY(C_VerifyInit)
    ENTRY(C_Verify) ENTRY(C_VerifyUpdate) ENTRY(C_VerifyFinal) ENTRY(C_VerifyRecoverInit)
    ENTRY(C_VerifyRecover) ENTRY(C_DigestEncryptUpdate) ENTRY(C_DecryptDigestUpdate)
    ENTRY(C_SignEncryptUpdate) ENTRY(C_DecryptVerifyUpdate) ENTRY(C_GenerateKey)
    ENTRY(C_GenerateKeyPair) ENTRY(C_WrapKey) ENTRY(C_UnwrapKey) ENTRY(C_DeriveKey)
    ENTRY(C_SeedRandom) ENTRY(C_GenerateRandom) ENTRY(C_GetFunctionStatus) ENTRY(C_CancelFunction)
    ENTRY(C_WaitForSlotEvent)
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
    const char *path = getenv("FAULTY_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) return CKR_GENERAL_ERROR;
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    CK_FUNCTION_LIST_PTR found = NULL;
    if (!get || get(&found) != CKR_OK) return CKR_GENERAL_ERROR;
    real = *found;
    fill_table();
    *list = &table;
    return CKR_OK;
}
