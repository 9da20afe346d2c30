namespace Tulu2.Evaluation.Requests;

/// <summary>A program that a model wrote, and the check of it.</summary>
/// <param name="Source">Python source.</param>
/// <param name="Check">Source that runs after it, in the same module; an exception in either fails the program.</param>
/// <param name="Seconds">Wall-clock limit.</param>
public sealed record CodeProgram(string Source, string Check, double Seconds);

/// <summary>How a program ended.</summary>
/// <param name="Passed">Source and check ran to their ends.</param>
/// <param name="Why">What stopped it, in a line: <c>passed</c>, <c>timed out</c>, the exception; never empty.</param>
public sealed record CodeOutcome(bool Passed, string Why);

/// <summary>Runs programs that nobody has read, isolated from this machine. Thread-safe.</summary>
public interface ICodeRunner
{
    /// <returns>[programs].</returns>
    /// <exception cref="Files.BadInputException">Programs cannot be isolated here.</exception>
    IReadOnlyList<CodeOutcome> Run(IReadOnlyList<CodeProgram> programs, CancellationToken cancellation);
}
