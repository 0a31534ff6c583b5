#ifndef TOKENCERT_CCURL_SHIM_H
#define TOKENCERT_CCURL_SHIM_H

#include <curl/curl.h>
#include <dlfcn.h>

// libcurl depends on two dozen libraries. Linking it would slow down every start: on Debian 12,
// `tokencert --version` takes 17 ms instead of 12. So libcurl is loaded with the first request. Each
// function in use has a typed wrapper here, so a misspelt name fails to compile.
#ifdef __APPLE__
#define TOKENCERT_LIBCURL "libcurl.4.dylib"
#else
#define TOKENCERT_LIBCURL "libcurl.so.4"
#endif

static inline void *tokencert_curl_library(void) {
    static void *library = NULL;
    if (!library) library = dlopen(TOKENCERT_LIBCURL, RTLD_NOW | RTLD_LOCAL);
    return library;
}

// Loads libcurl ahead of its first use, on any thread: the loader counts the users of a library.
static inline void tokencert_curl_load(void) { (void)dlopen(TOKENCERT_LIBCURL, RTLD_NOW | RTLD_LOCAL); }

// A function of libcurl with the type from its header; NULL if libcurl is not installed.
#define TOKENCERT_CURL(name) \
    ((__typeof__(&name))(tokencert_curl_library() ? dlsym(tokencert_curl_library(), #name) : NULL))

// Must be called before the other wrappers, which do not check for NULL.
static inline CURLcode tokencert_curl_global_init(long flags) {
    __typeof__(&curl_global_init) function = TOKENCERT_CURL(curl_global_init);
    return function ? function(flags) : CURLE_FAILED_INIT;
}
// The TLS library of libcurl, such as "OpenSSL/3.0.22". Alternatives are in brackets.
static inline const char *tokencert_curl_tls_library(void) {
    curl_version_info_data *info = TOKENCERT_CURL(curl_version_info)(CURLVERSION_NOW);
    return info ? info->ssl_version : NULL;
}
static inline CURL *tokencert_curl_easy_init(void) { return TOKENCERT_CURL(curl_easy_init)(); }
static inline void tokencert_curl_easy_cleanup(CURL *handle) {
    TOKENCERT_CURL(curl_easy_cleanup)(handle);
}
static inline CURLcode tokencert_curl_easy_perform(CURL *handle) {
    return TOKENCERT_CURL(curl_easy_perform)(handle);
}
static inline const char *tokencert_curl_easy_strerror(CURLcode code) {
    return TOKENCERT_CURL(curl_easy_strerror)(code);
}
static inline struct curl_slist *tokencert_curl_slist_append(
    struct curl_slist *list, const char *text) {
    return TOKENCERT_CURL(curl_slist_append)(list, text);
}
static inline void tokencert_curl_slist_free_all(struct curl_slist *list) {
    TOKENCERT_CURL(curl_slist_free_all)(list);
}
static inline char *tokencert_curl_getenv(const char *name) {
    return TOKENCERT_CURL(curl_getenv)(name);
}
static inline void tokencert_curl_free(void *memory) { TOKENCERT_CURL(curl_free)(memory); }
static inline time_t tokencert_curl_getdate(const char *text) {
    return TOKENCERT_CURL(curl_getdate)(text, NULL);
}

// These functions take variable arguments, which Swift does not import, so there is one wrapper for
// each type. The header's macros check types only if the functions are called by name.
#undef curl_easy_setopt
#undef curl_easy_getinfo
static inline CURLcode tokencert_curl_set_long(CURL *handle, CURLoption option, long value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_off_t(CURL *handle, CURLoption option, curl_off_t value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_string(
    CURL *handle, CURLoption option, const char *value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_blob(
    CURL *handle, CURLoption option, struct curl_blob *value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_list(
    CURL *handle, CURLoption option, struct curl_slist *value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, option, value);
}
static inline CURLcode tokencert_curl_set_write_function(CURL *handle, curl_write_callback value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, CURLOPT_WRITEFUNCTION, value);
}
static inline CURLcode tokencert_curl_set_header_function(
    CURL *handle, curl_write_callback value) {
    return TOKENCERT_CURL(curl_easy_setopt)(handle, CURLOPT_HEADERFUNCTION, value);
}
static inline CURLcode tokencert_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return TOKENCERT_CURL(curl_easy_getinfo)(handle, info, value);
}
static inline CURLcode tokencert_curl_get_off_t(CURL *handle, CURLINFO info, curl_off_t *value) {
    return TOKENCERT_CURL(curl_easy_getinfo)(handle, info, value);
}
static inline CURLcode tokencert_curl_get_string(CURL *handle, CURLINFO info, char **value) {
    return TOKENCERT_CURL(curl_easy_getinfo)(handle, info, value);
}

#endif
