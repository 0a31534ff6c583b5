import Testing
import TokencertPlatform

@testable import TokencertCommands

/// The command that turns a module off for tokencert, which users paste into a shell.
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

    @Test("A module without enable-in and disable-in gets the line in the user's own file")
    func plain() {
        for files in [[], [file("soft", "/usr")], [file("other", "/usr", enabled: "a")]] {
            #expect(
                P11KitConfiguration.disabling("soft", files)
                    == "mkdir -p '\(folder)' && printf '\\n%s\\n' 'disable-in: tokencert' >> "
                    + "'\(folder)/soft.module'")
        }
    }

    // The user's file takes precedence and would turn the module on for the other programs.
    @Test("Programs for which the module is turned off stay in the list")
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
    @Test("If the module has enable-in, the hint is to change that line")
    func enabled() {
        let files = [
            file("soft", "/usr", enabled: "tokencert"),
            file("soft", "/etc", enabled: "tokencert, mutt"), file("other", "/x", enabled: "a"),
            file("soft", "/home", disabled: "firefox"),
        ]
        #expect(
            P11KitConfiguration.disabling("soft", files)
                == "remove tokencert from the line enable-in of /etc/soft.module")
    }

    // The name of a module is a file name and may contain any characters.
    @Test("Special characters in a name are quoted for the shell")
    func hostile() {
        let line = P11KitConfiguration.disabling("a'b $(id)", [])
        #expect(line.hasSuffix(#" >> '\#(folder)/a'\''b $(id).module'"#), "\(line)")
        let programs = P11KitConfiguration.disabling(
            "soft", [file("soft", "/usr", disabled: "x' $(id)")])
        #expect(programs.contains(#"'disable-in: x'\'' $(id), tokencert'"#), "\(programs)")
    }

    @Test("Only leading and trailing white space is removed")
    func blanks() {
        for (text, expected) in [
            ("", ""), (" ", ""), ("a", "a"), (" a b\t", "a b"), ("\r\na\u{3000}", "a"),
        ] {
            #expect(trimmed(text[...]) == expected, "\(text.debugDescription)")
        }
    }
}
