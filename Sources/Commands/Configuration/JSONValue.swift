enum JSONValue: Decodable {
    case null
    case flag(Bool)
    case number(Int)
    case text(String)
    case texts([String])
    case members([String: JSONValue])
    /// Anything else, such as a fraction or a list of numbers.
    case other

    struct NoObject: Error {
        /// The path of the value in the file.
        let place: String
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let texts = try? container.decode([String].self) {
            self = .texts(texts)
        } else if let members = try? container.decode([String: JSONValue].self) {
            self = .members(members)
        } else {
            self = .other
        }
    }

    /// The members of an object; none for null.
    func members(_ place: String) throws(NoObject) -> [String: JSONValue] {
        switch self {
        case .null: [:]
        case .members(let members): members
        default: throw NoObject(place: place)
        }
    }

    /// The value of a setting, or nil if it has the wrong type.
    func content(of kind: Setting.Kind) -> ConfigurationFile.Content? {
        switch (kind, self) {
        case (.text, .text(let text)): .text(text)
        // Settings such as seconds may be written as numbers.
        case (.text, .number(let number)): .text("\(number)")
        case (.texts, .texts(let texts)): .texts(texts)
        case (.texts, .text(let text)): .texts([text])
        case (.flag, .flag(let isSet)): .flag(isSet)
        default: nil
        }
    }
}
