internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// The output of `list --tree`: module, token, keys, certificates and their issuers.
struct ListTree {
    private struct Node {
        let text: String
        var children: [Node] = []
    }

    private let root: Node

    init(_ read: ReadToken, _ anchors: TrustAnchors?, _ health: TokenHealth) {
        let now = health.health.now
        let known = (anchors?.certificates ?? []) + read.inventory.authorities
        func node(_ entry: CertificateEntry) -> Node {
            guard let content = entry.content else {
                return Node(text: "certificate object, \(entry.name)")
            }
            let left = content.daysLeft(at: now)
            let days = left < 0 ? "expired" : "\(left) days left"
            var node = Node(text: "certificate \(content.subjectName), \(days)")
            if let certificate = entry.certificate {
                node.children = Self.issuers(of: certificate, known, anchors).map { $0 }
            }
            return node
        }
        func marked(_ node: Node, _ findings: [Finding]) -> Node {
            let marks = findings.filter { $0.severity > .notice }.map { Node(text: "! \($0.text)") }
            return Node(text: node.text, children: marks + node.children)
        }
        var token = Node(text: "token \"\(read.token.info.label)\", \(read.token.info.model)")
        for key in read.inventory.keys {
            let seen = key.privateKey == nil ? ", public key only" : ""
            var branch = Node(
                text: "key \(ListReport.name(key.kind)) \"\(key.label)\", "
                    + "id \(hexadecimal(key.id))\(seen)")
            branch.children = key.certificates.map {
                marked(node($0), health.findings($0, of: key))
            }
            branch.children += key.mismatchedCertificates.map {
                marked(
                    Node(text: "not for this key: " + node($0).text), health.findings($0, of: key))
            }
            let findings = health.findings(key).filter { $0.kind != .mismatch }
            token.children.append(marked(branch, findings))
        }
        token.children += read.inventory.certificates.map {
            marked(node($0), health.findings($0, of: nil))
        }
        let module = read.token.module
        root = Node(
            text: "module \(module.name ?? module.info.libraryDescription), \(module.path)",
            children: [token])
    }

    /// The known issuers of a certificate, as a chain of nodes.
    private static func issuers(
        of certificate: Certificate, _ known: [Certificate], _ anchors: TrustAnchors?
    ) -> [Node] {
        func name(_ subject: DistinguishedName) -> String {
            subject.commonNames.last ?? subject.text
        }
        let issuers = certificate.issuers(among: known, upTo: anchors)
        var names = issuers.map { issuer in
            let isAnchor = anchors?.certificates.contains(issuer) ?? false
            return name(issuer.subject) + (isAnchor ? ", trust anchor" : "")
        }
        let last = issuers.last ?? certificate
        let isAnchor = anchors?.certificates.contains(last) ?? false
        if !isAnchor, last.issuer != last.subject {
            names.append(name(last.issuer) + ", not found")
        }
        return names.reversed().reduce([]) { below, name in
            [Node(text: "issued by \(name)", children: below)]
        }
    }

    func print(_ style: Style) {
        TokencertCommands.print(printable(root.text))
        Self.show(root.children, "", style)
    }

    private static func show(_ nodes: [Node], _ indent: String, _ style: Style) {
        let tree = style.symbols.tree
        for (index, node) in nodes.enumerated() {
            let isLast = index == nodes.count - 1
            let text = printable(node.text)
            TokencertCommands.print(
                indent + (isLast ? tree.last : tree.node)
                    + (text.hasPrefix("! ") ? style.warning(text) : text))
            show(node.children, indent + (isLast ? "   " : tree.past), style)
        }
    }
}
