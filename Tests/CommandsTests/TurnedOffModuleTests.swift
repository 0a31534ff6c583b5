import Testing
import TokencertPlatform

@testable import TokencertCommands

/// The line that turns a module off for this program, which the user pastes into a shell.
@Suite struct TurnedOffModuleTests {
    private var folder: String {
        isSuperuser ? "/etc/pkcs11/modules" : P11KitConfiguration.ownFolder
    }

    private func file(
        _ name: String, _ folder: String, enabled: String? = nil, disabled: String? = nil
    ) -> P11KitConfiguration.ModuleFile {
        P11KitConfiguration.ModuleFile(
            name: name, path: "\(folder)/\(name).module", module: "/m.so", logsCalls: false,
            isPassedOver: enabled != nil || disabled != nil, enabledIn: enabled,
            disabledIn: disabled)
    }

    @Test("A module without such lines gets a file of the user's own, which may exist already")
    func plain() {
        for files in [[], [file("soft", "/usr")], [file("other", "/usr", enabled: "a")]] {
            #expect(
                P11KitConfiguration.disabling("soft", files)
                    == "mkdir -p '\(folder)' && printf '\\n%s\\n' 'disable-in: tokencert' >> "
                    + "'\(folder)/soft.module'")
        }
    }

    // The user's file wins: the module would be turned on for the other programs.
    @Test("Programs that do not use the module stay turned off")
    func others() {
        let files = [file("soft", "/usr", disabled: "firefox, chrome")]
        #expect(
            P11KitConfiguration.disabling("soft", files).contains(
                "'disable-in: firefox, chrome, tokencert' >>"))
        let own = files + [file("soft", folder, disabled: "mutt")]
        #expect(
            P11KitConfiguration.disabling("soft", own)
                == "add tokencert to the line disable-in of \(folder)/soft.module")
    }

    // p11-kit refuses a module with both lines.
    @Test("If the module is for some programs only, their line is to be changed")
    func enabled() {
        let files = [
            file("soft", "/usr", enabled: "tokencert"),
            file("soft", "/etc", enabled: "tokencert, mutt"), file("other", "/x", enabled: "a"),
            file("soft", "/home", disabled: "firefox"),
        ]
        #expect(
            P11KitConfiguration.disabling("soft", files)
                == "take tokencert out of the line enable-in of /etc/soft.module")
    }

    // The name of a module is that of a file, which may have any characters.
    @Test("A name with marks of the shell runs nothing")
    func hostile() {
        let line = P11KitConfiguration.disabling("a'b $(id)", [])
        #expect(line.hasSuffix(#" >> '\#(folder)/a'\''b $(id).module'"#), "\(line)")
        let programs = P11KitConfiguration.disabling(
            "soft", [file("soft", "/usr", disabled: "x' $(id)")])
        #expect(programs.contains(#"'disable-in: x'\'' $(id), tokencert'"#), "\(programs)")
    }

    @Test("Blanks are taken from both ends, and from nowhere else")
    func blanks() {
        for (text, expected) in [
            ("", ""), (" ", ""), ("a", "a"), (" a b\t", "a b"), ("\r\na\u{3000}", "a"),
        ] {
            #expect(trimmed(text[...]) == expected, "\(text.debugDescription)")
        }
    }
}
