import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Modules that behave differently from SoftHSM2.
    @Suite struct ForeignModuleTests {
        // NSS softoken reports CKA_CLASS as unavailable if the buffer is larger than a CK_ULONG.
        // Its certificates would be "other objects", and its RSA keys could not be used.
        @Test(
            "Attributes are read from a module with unusual attribute sizes",
            arguments: [
                ["FAULTY_EXACT_SIZES": "1"], ["FAULTY_BOOLEAN_SIZE": "4"],
                ["FAULTY_BOOLEAN_SIZE": "8"],
                ["FAULTY_EXACT_SIZES": "1", "FAULTY_BOOLEAN_SIZE": "4"],
            ])
        func attributeSizes(settings: [String: String]) throws {
            let bench = try Bench()
            let faulty = bench.faulty(settings)
            let issued = try bench.tokencert(["issue", "--key-type", "rsa:2048", "--json"], faulty)
            #expect(issued.status == 0, "\(issued.errors)")
            let list = try bench.tokencert(["list", "--json"], faulty)
            let keys = try #require(try list.json()["keys"] as? [[String: Any]])
            #expect(keys.count == 1, "\(list.output)")
            let key = try #require(keys.first)
            #expect((key["certificates"] as? [Any])?.count == 1, "\(list.output)")
            let renewed = try bench.tokencert(["renew", "--all", "--retire"], faulty)
            #expect(renewed.status == 0, "\(renewed.errors)")
        }

        // On a card each call takes milliseconds, so listing a thousand objects would take minutes.
        @Test("Exact buffer sizes need no extra call on a module that accepts any size")
        func numberOfCalls() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let list = try bench.tokencert(["list"], bench.faulty([:]))
            #expect(list.status == 0, "\(list.errors)")
            // There are three objects.
            #expect(bench.calls("C_GetAttributeValue") <= 6)
        }

        // Otherwise the process would trap without an error message while an order is open.
        @Test(
            "An impossible count or length is an error that names the function",
            arguments: [
                ("C_GetSlotList#1", "0xffffffffffffffff"), ("C_GetSlotList#1", "0x100000000000"),
                ("C_GetSlotList#2", "0xffffffffffffffff"), ("C_GetSlotList#2", "77"),
                ("C_GetMechanismList#1", "0xffffffffffffffff"),
                ("C_GetMechanismList#1", "0x7fffffffffffffff"),
                ("C_GetMechanismList#2", "0xffffffffffffffff"),
                ("C_FindObjects#1", "0xffffffffffffffff"), ("C_FindObjects#1", "513"),
                ("C_GetAttributeValue", "0x7fffffffffffffff"),
                ("C_GetAttributeValue", "0xfffffffffffffffe"),
            ])
        func impossibleCounts(call: String, count: String) throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let before = bench.token.contents
            let orders = bench.ca.orders.count
            let faulty = bench.faulty(["FAULTY_RULES": "\(call):after:count=\(count)"])
            let function = String(call.split(separator: "#")[0])
            // `list` does not read mechanisms; attributes are also read after a key is made.
            let commands =
                switch function {
                case "C_GetMechanismList": [["issue", "--key-type", "rsa:2048"]]
                case "C_GetAttributeValue": [["list"]]
                default: [["issue", "--key-type", "rsa:2048"], ["list"]]
                }
            for arguments in commands {
                let outcome = try bench.tokencert(arguments, faulty)
                // Excludes success and signals.
                #expect((64...79).contains(outcome.status), "\(outcome)")
                #expect(outcome.errors.contains(function), "\(outcome)")
                #expect(outcome.hasHint, "\(outcome)")
            }
            #expect(bench.ca.orders.count == orders)
            #expect(bench.token.contents == before)
        }

        @Test("A mechanism list that grows between two calls is read again")
        func growingList() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["issue"],
                bench.faulty(["FAULTY_RULES": "C_GetMechanismList#2:after:return=0x150"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        // Otherwise the program would exhaust the memory of the machine.
        @Test("A search that never ends is an error", arguments: ["same", "new"])
        func endlessSearch(manner: String) throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let faulty = bench.faulty(["FAULTY_FIND_FOREVER": manner])
            let outcome = try run(
                product("tokencert"), ["list"],
                environment: bench.environment.merging(faulty) { $1 }, seconds: 60)
            expect(outcome, 74, "C_FindObjects")
        }
    }
}
