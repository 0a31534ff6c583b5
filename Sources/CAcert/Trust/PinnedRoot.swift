/// CAcert's class 1 root, on which everything hangs.
package enum PinnedRoot {
    /// The SHA-256 fingerprint of the DER of its current form, serial number 0x0F, lower case.
    package static let sha256Fingerprint =
        "07edbd824a4988cfef4215da20d48c2b41d71529d7c900f570926f277cc230c5"
    /// The path under which CAcert's web server publishes it.
    package static let path = "/certs/root_X0F.crt"
    /// The path of the class 3 certificate, which the root has signed.
    package static let class3Path = "/certs/class3_x14E228.crt"
    /// The fingerprint of its older form, signed with MD5, which must not be used. The key is the
    /// same.
    package static let retiredSHA256Fingerprint =
        "ff2a65cff1149c7430101e0f65a07ec19183a3b633ef4a6510890dad18316b3a"
}
