internal import TokencertCommands
internal import TokencertPlatform

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

openStandardDescriptors()
// A reader that goes away, as in "tokencert issue | head -1", must not end an order in the middle.
signal(SIGPIPE, SIG_IGN)
// A file that reaches the limit of its size fails with EFBIG, as on a full disk.
signal(SIGXFSZ, SIG_IGN)
exit(runTokencert())
