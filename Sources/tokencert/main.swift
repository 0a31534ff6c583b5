internal import Commands

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

// A reader that goes away, as in "tokencert issue | head -1", must not end an order in the middle.
signal(SIGPIPE, SIG_IGN)
exit(runTokencert())
