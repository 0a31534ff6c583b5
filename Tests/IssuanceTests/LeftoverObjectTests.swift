import Testing

@testable import Cryptoki
@testable import TokencertIssuance

/// The decision that removes objects left by an interrupted call.
@Suite struct LeftoverObjectTests {
    private let types = [AttributeKey<[UInt8]>.id.type, AttributeKey<String>.label.type]

    @Test("Attributes are absent if the object does not have them, or if they are empty")
    func absent() {
        #expect(LeftoverObjects.areAbsent(types, Attributes()))
        #expect(LeftoverObjects.areAbsent(types, Attributes(values: [types[0]: []])))
        #expect(!LeftoverObjects.areAbsent(types, Attributes(values: [types[1]: [65]])))
    }

    // Otherwise an object whose attributes a module cannot read now is destroyed.
    @Test("An attribute that could not be read is not absent")
    func unread() {
        #expect(!LeftoverObjects.areAbsent(types, Attributes(unread: [types[1]])))
        #expect(LeftoverObjects.areAbsent([types[0]], Attributes(unread: [types[1]])))
    }
}
