#ifndef TOKENCERT_CP11KIT_SHIM_H
#define TOKENCERT_CP11KIT_SHIM_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

// The header defines these with a cast, which Swift does not import.
static inline CK_ULONG tokencert_ck_unavailable_information(void) { return CK_UNAVAILABLE_INFORMATION; }
static inline CK_RV tokencert_ckr_vendor_defined(void) { return CKR_VENDOR_DEFINED; }

#endif
