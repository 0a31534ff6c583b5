#ifndef TOKENCERT_FAULTY_ROLES_H
#define TOKENCERT_FAULTY_ROLES_H

#include <p11-kit/pkcs11.h>

// A token on which the security officer makes keys and writes, as on smart cards. The module behind
// lets the user do everything, so it stays logged in as its user. See FAULTY_SO_WRITES in README.md.

int faulty_has_roles(void);

CK_RV faulty_role_login(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length);
CK_RV faulty_role_logout(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session);

// Opens a session, but none that only reads while the security officer is logged in.
CK_RV faulty_role_open(CK_FUNCTION_LIST *real, CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE_PTR session);

// Whether whoever is logged in may not write.
int faulty_role_forbids_writing(void);

// Whether whoever is logged in may not use private keys.
int faulty_role_forbids_signing(void);

// Takes private objects out of what was found, where the security officer is logged in.
void faulty_role_hide(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG_PTR count);

#endif
