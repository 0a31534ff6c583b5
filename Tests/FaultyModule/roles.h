#ifndef TOKENCERT_FAULTY_ROLES_H
#define TOKENCERT_FAULTY_ROLES_H

#include <p11-kit/pkcs11.h>

// A token on which the security officer generates keys and writes objects, as on some smart cards.
// The wrapped module permits this to the user, so it stays logged in as its user. See FAULTY_SO_WRITES.

int faulty_has_roles(void);

CK_RV faulty_role_login(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length);
CK_RV faulty_role_logout(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session);

// Opens a session; fails for a read-only one while the security officer is logged in.
CK_RV faulty_role_open(CK_FUNCTION_LIST *real, CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE_PTR session);

// Whether the current role may not write.
int faulty_role_forbids_writing(void);

// Whether the current role may not use private keys.
int faulty_role_forbids_signing(void);

// Removes private objects from a search result if the current role may not use them.
void faulty_role_hide(
    CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG_PTR count);

#endif
