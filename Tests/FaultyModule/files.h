#ifndef TOKENCERT_FAULTY_FILES_H
#define TOKENCERT_FAULTY_FILES_H

#include <p11-kit/pkcs11.h>

// A token that stores the certificate of a key in one file, named by the id of the key, as a SmartCard-HSM does.
// A new certificate takes the place of the old one, and the removal of either removes the file. The process
// that made the change still sees the objects that it has read before. See FAULTY_ONE_CERTIFICATE_FILE.

// Notes that an object was created, or is about to be destroyed: the other certificates with its id are gone
// when the module is finalised.
void faulty_file_changed(CK_FUNCTION_LIST *real, CK_SLOT_ID slot, CK_OBJECT_HANDLE object);

// Destroys the public key with the id of a certificate that is about to be destroyed, as OpenSC drops the one that
// it has derived from it.
void faulty_file_removed(CK_FUNCTION_LIST *real, CK_SESSION_HANDLE caller, CK_OBJECT_HANDLE object);

// Removes what is gone. Call it before the module is finalised.
void faulty_files_settle(CK_FUNCTION_LIST *real);

#endif
