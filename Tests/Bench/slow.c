/* A PKCS#11 module without slots whose C_Initialize takes 2 seconds, as that of some smartcards does. */
#include <p11-kit/pkcs11.h>
#include <string.h>
#include <unistd.h>

static CK_RV initialize(void *arguments) {
    (void)arguments;
    sleep(2);
    return CKR_OK;
}

static CK_RV finalize(void *reserved) {
    (void)reserved;
    return CKR_OK;
}

static CK_RV get_info(CK_INFO *info) {
    memset(info, 0, sizeof *info);
    memset(info->manufacturerID, ' ', sizeof info->manufacturerID);
    memset(info->libraryDescription, ' ', sizeof info->libraryDescription);
    info->cryptokiVersion.major = 2;
    info->cryptokiVersion.minor = 40;
    return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count) {
    (void)present;
    (void)slots;
    *count = 0;
    return CKR_OK;
}

static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetInfo = get_info,
    .C_GetFunctionList = C_GetFunctionList,
    .C_GetSlotList = get_slot_list,
};

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
    *list = &functions;
    return CKR_OK;
}
