#include "files.h"

#include <stdlib.h>

static CK_OBJECT_HANDLE gone[64];
static CK_ULONG gone_count;

// It stays open until the end: SoftHSM2 forgets all handles when the last session is closed.
static CK_SESSION_HANDLE session = CK_INVALID_HANDLE;

void faulty_file_changed(CK_FUNCTION_LIST *real, CK_SLOT_ID slot, CK_OBJECT_HANDLE object) {
    if (!getenv("FAULTY_ONE_CERTIFICATE_FILE")) return;
    if (session == CK_INVALID_HANDLE
        && real->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) != CKR_OK)
        return;
    CK_OBJECT_CLASS class = 0;
    CK_BYTE id[64];
    CK_ATTRIBUTE read[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
    CK_OBJECT_HANDLE found[64];
    CK_ULONG count = 0;
    if (real->C_GetAttributeValue(session, object, read, 2) == CKR_OK && class == CKO_CERTIFICATE
        && real->C_FindObjectsInit(session, read, 2) == CKR_OK) {
        real->C_FindObjects(session, found, 64, &count);
        real->C_FindObjectsFinal(session);
    }
    for (CK_ULONG index = 0; index < count && gone_count < 64; index++)
        if (found[index] != object) gone[gone_count++] = found[index];
}

void faulty_file_removed(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE caller, CK_OBJECT_HANDLE object) {
    if (!getenv("FAULTY_ONE_CERTIFICATE_FILE")) return;
    CK_OBJECT_CLASS class = 0;
    CK_BYTE id[64];
    CK_ATTRIBUTE read[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
    if (real->C_GetAttributeValue(caller, object, read, 2) != CKR_OK || class != CKO_CERTIFICATE) return;
    class = CKO_PUBLIC_KEY;
    CK_OBJECT_HANDLE key;
    CK_ULONG count = 0;
    if (real->C_FindObjectsInit(caller, read, 2) != CKR_OK) return;
    real->C_FindObjects(caller, &key, 1, &count);
    real->C_FindObjectsFinal(caller);
    if (count) real->C_DestroyObject(caller, key);
}

void faulty_files_settle(CK_FUNCTION_LIST *real) {
    while (gone_count) real->C_DestroyObject(session, gone[--gone_count]);
    session = CK_INVALID_HANDLE;
}
