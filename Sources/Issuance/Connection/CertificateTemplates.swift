internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Templates for writing a certificate, the most complete one first. Some modules reject attributes
/// that they derive from the certificate.
func certificateTemplates(
    _ certificate: Certificate, id: [UInt8], label: [UInt8], _ capabilities: some TokenDescription
) -> [Template] {
    let whole = wholeTemplate(certificate, id, label)
        .without(capabilities.omittedFromCertificates)
    var alternatives = [whole]
    var omitted: Set<AttributeType> = []
    for method in dispensable {
        omitted.formUnion(method)
        let next = whole.without(omitted)
        if next != alternatives.last { alternatives.append(next) }
    }
    return alternatives
}

/// The attributes that can be left out, in this order.
private let dispensable: [Set<AttributeType>] = [
    [AttributeKey.issuer.type, AttributeKey.serialNumber.type],
    [AttributeKey.subject.type], [AttributeKey.private.type],
]

private func wholeTemplate(
    _ certificate: Certificate, _ id: [UInt8], _ label: [UInt8]
) -> Template {
    var template = Template()
    template[.class] = .certificate
    template[.certificateType] = .x509
    template[.token] = true
    template[.private] = false
    // The certificate of a key without an id gets no id, because other software compares the ids.
    if !label.isEmpty { template[.labelBytes] = label }
    if !id.isEmpty { template[.id] = id }
    template[.subject] = certificate.subject.der
    template[.issuer] = certificate.issuer.der
    template[.serialNumber] = certificate.serialNumberDER
    template[.value] = certificate.der
    return template
}
