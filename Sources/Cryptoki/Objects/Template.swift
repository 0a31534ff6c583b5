/// Attributes with their values, as they are handed to a module: what an object shall have, or what
/// a search looks for. A template owns its bytes.
public struct Template: Sendable, Equatable {
    var entries: [(type: AttributeType, bytes: [UInt8])] = []

    /// Makes an empty template. A search with it finds everything.
    public init() {}

    /// The value of one attribute; nil takes the attribute out.
    public subscript<Value>(key: AttributeKey<Value>) -> Value? {
        get {
            guard let bytes = bytes(of: key.type) else { return nil }
            return Value(attributeBytes: bytes)
        }
        set {
            entries.removeAll { $0.type == key.type }
            if let newValue {
                entries.append((key.type, newValue.attributeBytes))
            }
        }
    }

    /// The attributes, in the order in which they were set.
    public var types: [AttributeType] { entries.map(\.type) }

    /// The bytes of one attribute.
    ///
    /// - Parameter type: The attribute.
    /// - Returns: The bytes as a module gets them, or nil where the template does not have it.
    public func bytes(of type: AttributeType) -> [UInt8]? {
        entries.first { $0.type == type }?.bytes
    }

    /// The template without some attributes.
    ///
    /// - Parameter types: The attributes that are left out.
    public func without(_ types: Set<AttributeType>) -> Template {
        var template = self
        template.entries.removeAll { types.contains($0.type) }
        return template
    }

    /// Whether both have the same attributes with the same bytes in the same order.
    public static func == (left: Template, right: Template) -> Bool {
        left.entries.elementsEqual(right.entries) { $0.type == $1.type && $0.bytes == $1.bytes }
    }
}

/// Attributes that were read from an object. What the object or the module does not have, or does
/// not give out, is absent.
public struct Attributes: Sendable, Equatable {
    var values: [AttributeType: [UInt8]] = [:]

    /// The value of an attribute, or nil where it is absent or has not the length that its type has.
    public subscript<Value>(key: AttributeKey<Value>) -> Value? {
        guard let bytes = values[key.type] else { return nil }
        return Value(attributeBytes: bytes)
    }

    /// The bytes of an attribute, or nil where it is absent.
    ///
    /// - Parameter type: The attribute.
    public func bytes(of type: AttributeType) -> [UInt8]? { values[type] }
}
