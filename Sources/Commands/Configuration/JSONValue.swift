/// A value in the configuration file.
enum JSONValue: Decodable {
    case null
    case flag(Bool)
    case number(Int)
    case text(String)
    case texts([String])
    case members([String: JSONValue])
    /// Anything else, as a fraction or a list of numbers.
    case other

    /// A value is no object that has to be one.
    struct NoObject: Error {
        /// Where it stands.
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

    /// The members of an object; none of a null.
    func members(_ place: String) throws(NoObject) -> [String: JSONValue] {
        switch self {
        case .null: [:]
        case .members(let members): members
        default: throw NoObject(place: place)
        }
    }

    /// The value as a setting has it, or nil if the setting has no such values.
    func content(of kind: Setting.Kind) -> ConfigurationFile.Content? {
        switch (kind, self) {
        case (.text, .text(let text)): .text(text)
        // Seconds and the like may stand there as numbers.
        case (.text, .number(let number)): .text("\(number)")
        case (.texts, .texts(let texts)): .texts(texts)
        case (.texts, .text(let text)): .texts([text])
        case (.flag, .flag(let isSet)): .flag(isSet)
        default: nil
        }
    }
}
