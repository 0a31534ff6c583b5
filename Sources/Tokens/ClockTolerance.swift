/// The permitted difference between the clocks of a CA and of this machine, in seconds.
package let clockTolerance: Int64 = 300
