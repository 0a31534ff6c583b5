/// Attributes with their values, to create, change or find objects. A template owns its bytes.
public struct Template: Sendable, Equatable {
    var entries: [(type: AttributeType, bytes: [UInt8])] = []

    /// Makes an empty template. As a search template, it finds every object.
    public init() {}

    /// The value of an attribute. Setting nil removes the attribute.
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

    /// The bytes of an attribute.
    ///
    /// - Parameter type: The attribute.
    /// - Returns: The bytes that a module receives, or nil if the template lacks the attribute.
    public func bytes(of type: AttributeType) -> [UInt8]? {
        entries.first { $0.type == type }?.bytes
    }

    /// Returns a copy without some attributes.
    ///
    /// - Parameter types: The attributes to remove.
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

/// Attributes that were read from an object. An attribute that the object does not have or the
/// module does not reveal is absent.
public struct Attributes: Sendable, Equatable {
    var values: [AttributeType: [UInt8]] = [:]

    /// The absent attributes for which the module returned `CKR_GENERAL_ERROR` or
    /// `CKR_FUNCTION_FAILED`: the object may have them.
    public internal(set) var unread: Set<AttributeType> = []

    /// The value of an attribute, or nil if it is absent or its length does not fit its type.
    public subscript<Value>(key: AttributeKey<Value>) -> Value? {
        guard let bytes = values[key.type] else { return nil }
        return Value(attributeBytes: bytes)
    }

    /// The bytes of an attribute, or nil if it is absent.
    ///
    /// - Parameter type: The attribute.
    public func bytes(of type: AttributeType) -> [UInt8]? { values[type] }
}
