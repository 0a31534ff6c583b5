import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@testable import TokencertCommands

/// What hooks get, and what the end of their programs means.
@Suite struct HookRuleTests {
    private func problem(_ end: ProgramEnd, _ errors: String = "") -> HookProblem? {
        HookProblem(end, of: "check", errors: Array(errors.utf8), seconds: 60)
    }

    private func text(_ end: ProgramEnd, _ errors: String = "") -> String {
        problem(end, errors)?.orderText ?? "allowed"
    }

    // Otherwise an order would be sent although its check could not be completed.
    @Test("Only exit status 0 allows an order, and only another exit status is a refusal")
    func ends() {
        #expect(text(.exited(0), "a warning\n") == "allowed")
        #expect(text(.exited(3)) == "refused the order: check exited with status 3")
        #expect(text(.exited(1), "first\n  not today \r\n\n \n") == "refused the order: not today ")
        #expect(text(.signalled(9)) == "failed: check was terminated by signal 9")
        #expect(
            text(.timedOut, "waiting\n") == "failed: check did not end within 60 seconds: waiting")
        #expect(text(.printedTooMuch) == "failed: check printed more than 1 MiB")
        #expect(text(.unknown) == "failed: the exit status of check is unknown")
        #expect(HookProblem(reason: "not found").orderText == "failed: not found")
    }

    @Test("The warning about a hook has the exit status and the last line")
    func warnings() {
        #expect(
            problem(.exited(2), "no mail\n")?.failureText
                == "failed: check exited with status 2: no mail")
        let long = problem(.exited(2), String(repeating: "x", count: 9000))
        #expect(long?.lastLine?.count == 500)
    }

    private func refusal(_ order: RefusedOrder) -> Failure {
        order.failure(HookProblem(reason: "it is late"))
    }

    // Otherwise a user would not look for a certificate that the CA has issued.
    @Test("A refusal says what an earlier sending of the order may lead to")
    func refusedOrders() {
        let unsent = refusal(.unsent)
        #expect(unsent.message == "the hook before-order failed: it is late")
        #expect(unsent.hints.first == "the order was not sent, and nothing was changed for it")
        let again = refusal(.withoutResult)
        #expect(again.hints.first == "the order was not sent again, and nothing was changed for it")
        for (isFetchable, option) in [(true, "--fetch"), (false, "--from FILE")] {
            let open = refusal(.mayBeIssued(order: 7, isFetchable: isFetchable))
            #expect(
                open.message
                    == "the hook before-order failed: it is late; order 7 was not sent again, and the "
                    + "CA may still issue a certificate for the first request")
            #expect(open.hints.first?.hasSuffix(": tokencert resume 7 \(option)") == true)
            #expect(!open.hints.contains { $0.contains("nothing was changed") })
        }
        let changeable = HookProblem(reason: "it is unsafe", advice: "chmod go-w check")
        #expect(RefusedOrder.unsent.failure(changeable).hints.contains("chmod go-w check"))
    }

    // Otherwise on-failure names a token on which nothing has failed.
    @Test("A failure that summarises several has no facts of a token, a certificate or an order")
    func summaries() {
        var known = HookFacts()
        known.tokenLabel = "work"
        var failure = Failure(.noPermission, "two failed", hints: [])
        let single = Hooks.facts(of: failure, known, order: 7)
        #expect(single.tokenLabel == "work" && single.order == 7)
        failure.isSummary = true
        let several = Hooks.facts(of: failure, known, order: 7)
        #expect(several.tokenLabel == nil && several.order == nil)
    }

    // Otherwise another user could decide about orders.
    @Test("A program that others can change is not run")
    func changeable() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("#!/bin/sh\nexit 0\n", "check")
        for (permissions, isRun) in [(0o755, true), (0o775, false), (0o757, false)] {
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: file)
            let found = HookProgramProblem(file)
            #expect((found == nil) == isRun, "\(permissions)")
            guard let problem = found else { continue }
            #expect(problem.text == "can be changed by other users")
            #expect(problem.advice.hasSuffix("chmod go-w '\(file)'"), "\(problem.advice)")
            let hook = try HookRun(
                HookInput(.afterIssue, of: "issue", HookFacts()), words: [file])
            #expect(hook.problem()?.reason == "cannot run \(file): it \(problem.text)")
        }
        // Only root can give a file to another user.
        guard getuid() == 0 else { return }
        #expect(unsafe chown(file, 12345, 12345) == 0)
        let advice = try #require(HookProgramProblem(file)?.advice)
        #expect(advice.contains("belongs to another user") && advice.contains("chown"))
        #expect(!advice.contains("chmod"), "\(advice)")
    }

    @Test("The last line of standard error is reported, however much comes before it")
    func longErrors() throws {
        let hook = try HookRun(
            HookInput(.afterIssue, of: "issue", HookFacts()),
            words: ["sh", "-c", "yes | head -c 300000 >&2; echo no mail >&2; exit 1"])
        #expect(hook.problem()?.lastLine == "no mail")
    }

    @Test("A fact that is not known has no variable")
    func unknownFacts() {
        let input = HookInput(.beforeOrder, of: "issue", HookFacts())
        #expect(
            input.environment == [
                "TOKENCERT_HOOK": "before-order", "TOKENCERT_HOOK_COMMAND": "issue",
            ])
    }

    // Otherwise a name from a CA could add an address to a list, or a line to a mail.
    @Test("Control characters in variables are escaped, and addresses are one per line")
    func controlCharacters() {
        var facts = HookFacts()
        facts.order = 7
        facts.keyLabel = "a\nb"
        facts.name = "Anna\u{1B}[31m"
        facts.emailAddresses = ["a@example.org", "b\n@example.org"]
        let variables = HookInput(.beforeOrder, of: "resume", facts).environment
        #expect(variables["TOKENCERT_HOOK_ORDER"] == "7")
        #expect(variables["TOKENCERT_HOOK_KEY_LABEL"] == "a\\u{A}b")
        #expect(variables["TOKENCERT_HOOK_NAME"] == "Anna\\u{1B}[31m")
        #expect(variables["TOKENCERT_HOOK_EMAILS"] == "a@example.org\nb\\u{A}@example.org")
    }

    @Test("The JSON has the same facts, the version and the failure")
    func json() throws {
        var facts = HookFacts()
        facts.order = 7
        facts.keyID = "01ab"
        var input = HookInput(.onFailure, of: "renew", facts)
        input.error = FailureReport(
            Failure(.unreachable, code: "caUnreachable", "no answer", hints: ["try again"]))
        #expect(input.environment["TOKENCERT_HOOK_STATUS"] == "69")
        #expect(input.environment["TOKENCERT_HOOK_CODE"] == "caUnreachable")
        #expect(input.environment["TOKENCERT_HOOK_MESSAGE"] == "no answer")
        let run = try HookRun(input, words: ["mail"])
        let object = try JSONSerialization.jsonObject(with: Data(run.input.utf8))
        let json = try #require(object as? [String: Any])
        #expect(json["schemaVersion"] as? Int == 1)
        #expect(json["hook"] as? String == "on-failure" && json["command"] as? String == "renew")
        #expect(json["order"] as? Int == 7 && json["id"] as? String == "01ab")
        let error = try #require(json["error"] as? [String: Any])
        #expect(error["message"] as? String == "no answer")
        #expect(json["token"] == nil && json["emailAddresses"] == nil && json["issued"] == nil)
    }
}

extension SettingsInProcess {
    /// How the configuration file sets hooks.
    @Suite struct HookSettingTests {
        // Otherwise a profile for tests would run the programs of the real account.
        @Test("A profile overrides hooks one by one, and an empty text turns one off")
        func profiles() throws {
            let text = """
                {"hooks": {"before-order": "/bin/check 'a b'", "on-failure": "tell"},
                 "profiles": {"p": {"hooks": {"on-failure": "", "after-issue": "~/bin/keep x"}},
                              "q": {}}}
                """
            try SettingsInProcess.with(text, profile: "p") { () throws in
                let hooks = ConfigurationFile.current.hooks
                #expect(hooks[.beforeOrder]?.words == ["/bin/check", "a b"])
                #expect(hooks[.beforeOrder]?.profile == nil)
                #expect(hooks[.onFailure]?.words == [] && hooks[.onFailure]?.profile == "p")
                let home = try requireHome()
                #expect(hooks[.afterIssue]?.words == [home + "/bin/keep", "x"])
                #expect(hooks[.afterRenew] == nil)
                #expect(Hooks.isSet(.beforeOrder) && !Hooks.isSet(.onFailure))
                #expect(Hooks.notChecked.count == 1)
            }
            try SettingsInProcess.with(text, profile: "q") { () throws in
                #expect(ConfigurationFile.current.hooks[.onFailure]?.words == ["tell"])
                #expect(!Hooks.isSet(.afterIssue))
            }
        }

        // Otherwise on-failure names the token on which the command has succeeded before.
        @Test("A failure on another token has no facts of the one before")
        func otherToken() throws {
            let folder = try TemporaryFolder()
            let script = try folder.write(
                "env >'\(folder.file("facts"))'\n", "recorder")
            let data = try JSONSerialization.data(
                withJSONObject: ["hooks": ["on-failure": "sh \(script)"]])
            try SettingsInProcess.with(String(decoding: data, as: UTF8.self)) { () throws in
                for isOther in [false, true] {
                    Hooks.begin("renew", reportsFailures: true)
                    var known = HookFacts()
                    known.tokenLabel = "work"
                    try Hooks.beforeOrder(known)
                    if isOther { Hooks.beginToken() }
                    Hooks.failed(Failure(.noPermission, "no token", hints: []))
                    Hooks.finish()
                    let facts = try folder.read("facts")
                    #expect(facts.contains("TOKENCERT_HOOK_MESSAGE=no token"), "\(facts)")
                    #expect(facts.contains("_TOKEN_LABEL=work") == !isOther, "\(facts)")
                }
            }
        }

        // Otherwise a check that the user relies on would silently not run.
        @Test(
            "A hook that is unknown, blank, unclosed or not a text is refused, also in other profiles",
            arguments: [
                (#"{"hooks": {"before-oder": "x"}}"#, "is not a hook"),
                (#"{"hooks": {"on-failure": " "}}"#, "is empty"),
                (#"{"hooks": {"on-failure": ""}}"#, "is empty"),
                (#"{"hooks": {"on-failure": 1}}"#, "must be a string"),
                (#"{"hooks": {"on-failure": "'open"}}"#, "a quotation mark is not closed"),
                (#"{"hooks": {"on-failure": "bin/tell"}}"#, "must not contain a relative path"),
                (#"{"hooks": {"on-failure": "~anna/tell"}}"#, "the home folder of another user"),
                (
                    #"{"hooks": {"before-order": "true && false"}}"#,
                    "has && outside quotation marks"
                ),
                (#"{"hooks": {"before-order": "sh -c false|true"}}"#, "but no shell runs"),
                (#"{"hooks": "tell"}"#, "must be a JSON object"),
                (#"{"profiles": {"p": {"hooks": {"on-failure": " "}}}}"#, "is empty"),
                (#"{"hooks": {"on-failure": "a", "on-failure": "b"}}"#, "is set twice"),
            ])
        func refused(text: String, message: String) throws {
            let failure = try SettingsInProcess.refusal(text)
            #expect(failure.status == .configuration, "\(failure)")
            #expect(failure.message.contains(message), "\(failure.message)")
            #expect(!failure.hints.isEmpty)
            if message == "is not a hook" {
                #expect(failure.hints.first == "did you mean before-order?", "\(failure.hints)")
            }
        }
    }
}
