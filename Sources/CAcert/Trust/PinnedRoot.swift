/// CAcert's class 1 root, which is trusted by its fingerprint.
package enum PinnedRoot {
    /// The SHA-256 fingerprint of the current certificate (serial number 0x0F), in lower case.
    package static let sha256Fingerprint =
        "07edbd824a4988cfef4215da20d48c2b41d71529d7c900f570926f277cc230c5"
    /// The path of the root on CAcert's web server.
    package static let path = "/certs/root_X0F.crt"
    /// The path of the class 3 certificate, which the root signed.
    package static let class3Path = "/certs/class3_x14E228.crt"
    /// The fingerprint of the older certificate, which must not be used: it has the same key but is
    /// signed with MD5.
    package static let retiredSHA256Fingerprint =
        "ff2a65cff1149c7430101e0f65a07ec19183a3b633ef4a6510890dad18316b3a"
}
