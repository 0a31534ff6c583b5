#ifndef TOKENCERT_CP11KIT_SHIM_H
#define TOKENCERT_CP11KIT_SHIM_H

#include <dlfcn.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

// The header defines these with a cast, which Swift does not import.
static inline CK_ULONG tokencert_ck_unavailable_information(void) { return CK_UNAVAILABLE_INFORMATION; }
static inline CK_RV tokencert_ckr_vendor_defined(void) { return CKR_VENDOR_DEFINED; }

// The C library declares dladdr only if _GNU_SOURCE is defined before the first header.
#ifdef __APPLE__
typedef Dl_info tokencert_dl_info;
static inline int tokencert_dladdr(const void *address, tokencert_dl_info *information) {
    return dladdr(address, information);
}
#else
typedef struct {
    const char *dli_fname;
    void *dli_fbase;
    const char *dli_sname;
    void *dli_saddr;
} tokencert_dl_info;
int tokencert_dladdr(const void *address, tokencert_dl_info *information) __asm__("dladdr");
#endif

#endif
