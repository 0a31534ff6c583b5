#include "roles.h"

#include <stdlib.h>
#include <string.h>

static const CK_USER_TYPE no_role = (CK_USER_TYPE)-1;
static CK_USER_TYPE role = (CK_USER_TYPE)-1;

int faulty_has_roles(void) { return getenv("FAULTY_SO_WRITES") != NULL; }

CK_RV faulty_role_login(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
    if (role == user) return CKR_USER_ALREADY_LOGGED_IN;
    if (role != no_role) return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    CK_RV rv = real->C_Login(session, user, pin, length);
    if (rv != CKR_OK) return rv;
    if (user == CKU_SO) {
        char *user_pin = getenv("FAULTY_SO_WRITES");
        real->C_Logout(session);
        rv = real->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)user_pin, strlen(user_pin));
        if (rv != CKR_OK) return rv;
    }
    role = user;
    return CKR_OK;
}

CK_RV faulty_role_open(CK_FUNCTION_LIST *real, CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE_PTR session) {
    if (role == CKU_SO && !(flags & CKF_RW_SESSION)) return CKR_SESSION_READ_WRITE_SO_EXISTS;
    return real->C_OpenSession(slot, flags, NULL, NULL, session);
}

CK_RV faulty_role_logout(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session) {
    role = no_role;
    return real->C_Logout(session);
}

int faulty_role_forbids_writing(void) { return faulty_has_roles() && role != CKU_SO; }

int faulty_role_forbids_signing(void) { return faulty_has_roles() && role != CKU_USER; }

void faulty_role_hide(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG_PTR count) {
    if (!faulty_role_forbids_signing()) return;
    CK_ULONG kept = 0;
    for (CK_ULONG index = 0; index < *count; index++) {
        CK_BBOOL is_private = 0;
        CK_ATTRIBUTE attribute = {CKA_PRIVATE, &is_private, sizeof is_private};
        real->C_GetAttributeValue(session, objects[index], &attribute, 1);
        if (!is_private) objects[kept++] = objects[index];
    }
    *count = kept;
}
