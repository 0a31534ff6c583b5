extension OrderEvent.Beginning {
    /// `CKA_LABEL` of the key, any bytes. A label in UTF-8 is stored as text in ``keyLabel``.
    package var keyLabelBytes: [UInt8] {
        get { rawKeyLabel?.bytes ?? Array(keyLabel.utf8) }
        set {
            keyLabel = String(decoding: newValue, as: UTF8.self)
            rawKeyLabel = Array(keyLabel.utf8) == newValue ? nil : Base64Bytes(newValue)
        }
    }

    /// `CKA_LABEL` of the certificate, any bytes, or nil for that of the key. A label in UTF-8 is
    /// stored as text in ``certificateLabel``.
    package var certificateLabelBytes: [UInt8]? {
        get { rawCertificateLabel?.bytes ?? certificateLabel.map { Array($0.utf8) } }
        set {
            certificateLabel = newValue.map { String(decoding: $0, as: UTF8.self) }
            let isText = certificateLabel.map { Array($0.utf8) } == newValue
            rawCertificateLabel = isText ? nil : newValue.map { Base64Bytes($0) }
        }
    }
}
