import Synchronization
import Testing
import TokencertPlatform

@Suite struct ThreadTests {
    @Test(
        "Elements are mapped in their order, whether one thread or two do it",
        arguments: [0, 1, 199, 200, 1001])
    func order(count: Int) {
        #expect(mapSideBySide(Array(0..<count)) { $0 * 2 } == (0..<count).map { $0 * 2 })
    }

    @Test("Values are processed in their order, each while the next one is made")
    func beside() {
        let seen = Mutex<[Int]>([])
        let processing = ProcessingBeside<Int, Int> { value in
            seen.withLock { $0.append(value) }
            return value * 2
        }
        var outputs: [Int] = []
        for value in 0..<20 { outputs += processing.add(value) }
        #expect(outputs.count >= 19)
        outputs += processing.end(with: 20)
        #expect(outputs == (0...20).map { $0 * 2 })
        #expect(seen.withLock { $0.sorted() } == Array(0...20))
        #expect(ProcessingBeside<Int, Int> { -$0 }.end(with: 1) == [-1])
    }

    // Otherwise the second thread uses what the calling thread has released.
    @Test("The last value is processed before the object is gone")
    func abandoned() {
        let isProcessed = Mutex(false)
        func start() {
            let processing = ProcessingBeside<Int, Int> { value in
                // Longer than the calling thread takes to leave the function.
                for _ in 0..<200_000 { isProcessed.withLock { _ in } }
                isProcessed.withLock { $0 = true }
                return value
            }
            _ = processing.add(1)
        }
        start()
        #expect(isProcessed.withLock { $0 })
    }
}
