// A PKCS#11 module that passes calls on to another one and fails where it is told to.
// What it understands is in README.md.

#include "FaultyModule.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST real;
static CK_FUNCTION_LIST table;
static int context_login;

static void note(const char *function) {
    const char *path = getenv("FAULTY_LOG");
    if (!path) return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", function);
    if (write(file, line, (size_t)length) < 0) { /* the test will miss the line */ }
    close(file);
}

// FAULTY_RETURN holds "C_Name=0x31" pairs, separated by commas.
static CK_RV told(const char *function) {
    const char *rest = getenv("FAULTY_RETURN");
    size_t length = strlen(function);
    while (rest && *rest) {
        if (strncmp(rest, function, length) == 0 && rest[length] == '=')
            return strtoul(rest + length + 1, NULL, 0);
        rest = strchr(rest, ',');
        if (rest) rest++;
    }
    return CKR_OK;
}

#define BEFORE(name)                        \
    do {                                    \
        note(#name);                        \
        CK_RV fault = told(#name);          \
        if (fault != CKR_OK) return fault;  \
    } while (0)

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    BEFORE(C_GetTokenInfo);
    CK_RV rv = real.C_GetTokenInfo(slot, info);
    const char *set = getenv("FAULTY_SET_FLAGS");
    const char *clear = getenv("FAULTY_CLEAR_FLAGS");
    if (rv == CKR_OK && set) info->flags |= strtoul(set, NULL, 0);
    if (rv == CKR_OK && clear) info->flags &= ~strtoul(clear, NULL, 0);
    return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG length) {
    BEFORE(C_Login);
    if (user == CKU_CONTEXT_SPECIFIC && getenv("FAULTY_CONTEXT_LOGIN")) {
        context_login = 1;
        return CKR_OK;
    }
    return real.C_Login(session, user, pin, length);
}

static CK_RV generate_key_pair(
    CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR publicTemplate,
    CK_ULONG publicCount, CK_ATTRIBUTE_PTR privateTemplate, CK_ULONG privateCount,
    CK_OBJECT_HANDLE_PTR publicKey, CK_OBJECT_HANDLE_PTR privateKey) {
    BEFORE(C_GenerateKeyPair);
    return real.C_GenerateKeyPair(
        session, mechanism, publicTemplate, publicCount, privateTemplate, privateCount, publicKey,
        privateKey);
}

static CK_RV create_object(
    CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_OBJECT_HANDLE_PTR object) {
    BEFORE(C_CreateObject);
    return real.C_CreateObject(session, template, count, object);
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
    BEFORE(C_SignInit);
    return real.C_SignInit(session, mechanism, key);
}

static CK_RV sign(
    CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG length, unsigned char *signature,
    CK_ULONG *signatureLength) {
    BEFORE(C_Sign);
    if (getenv("FAULTY_CONTEXT_LOGIN") && !context_login) {
        // A refusal ends the operation, so the module behind has to end it, too.
        unsigned char lost[1024];
        CK_ULONG lostLength = sizeof lost;
        real.C_Sign(session, data, length, lost, &lostLength);
        return CKR_USER_NOT_LOGGED_IN;
    }
    context_login = 0;
    return real.C_Sign(session, data, length, signature, signatureLength);
}

static int drops(const char *function) {
    const char *dropped = getenv("FAULTY_DROP");
    return dropped && strcmp(dropped, function) == 0;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
    const char *path = getenv("FAULTY_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) return CKR_GENERAL_ERROR;
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    CK_FUNCTION_LIST_PTR found = NULL;
    if (!get || get(&found) != CKR_OK) return CKR_GENERAL_ERROR;
    real = *found;
    table = real;
    table.C_GetFunctionList = C_GetFunctionList;
    table.C_GetTokenInfo = get_token_info;
    table.C_Login = login;
    table.C_GenerateKeyPair = generate_key_pair;
    table.C_CreateObject = create_object;
    table.C_SignInit = sign_init;
    table.C_Sign = sign;
    if (drops("C_GenerateKeyPair")) table.C_GenerateKeyPair = NULL;
    *list = &table;
    return CKR_OK;
}
