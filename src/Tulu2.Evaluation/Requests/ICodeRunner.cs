namespace Tulu2.Evaluation.Requests;

/// <summary>A program that a model wrote, and the check of it.</summary>
/// <param name="Source">Python source, which defines <see cref="Function"/>.</param>
/// <param name="Check">
/// Python source that calls the function; the program fails where it raises an exception. It runs in a process of its own, in which <see cref="Function"/> stands for
/// the program's: so it judges results, which are plain data, and the program can neither see nor change it.
/// </param>
/// <param name="Seconds">Wall-clock limit of source and check together.</param>
public sealed record CodeProgram(string Source, string Check, double Seconds)
{
    /// <summary>Name of the function that is checked.</summary>
    public string Function { get; init; } = "";

    /// <summary>Python source that the check needs and the model did not write: it runs before the check, in the check's process.</summary>
    public string Context { get; init; } = "";
}

/// <summary>How a program ended.</summary>
/// <param name="Passed">Source and check ran to their ends.</param>
/// <param name="Why">What stopped it, in a line: <c>passed</c>, <c>timed out</c>, the exception; never empty.</param>
public sealed record CodeOutcome(bool Passed, string Why)
{
    /// <summary>The kind of <see cref="Why"/>.</summary>
    public CodeEnd End { get; init; } = Passed ? CodeEnd.Passed : CodeEnd.Failed;
}

/// <summary>The ways in which a program ends.</summary>
public enum CodeEnd
{
    Passed,

    /// <summary>An exception, a wrong result, or the end of its process before the check had ended.</summary>
    Failed,
    TimedOut,
    OutOfMemory,

    /// <summary>It printed, or returned, too much.</summary>
    OutputLimit,

    /// <summary>A signal ended it, as after a stack overflow.</summary>
    Killed,
}

/// <summary>Runs programs that nobody has read, isolated from this machine. Thread-safe.</summary>
public interface ICodeRunner
{
    /// <returns>[programs].</returns>
    /// <exception cref="Files.BadInputException">Programs cannot be isolated here.</exception>
    IReadOnlyList<CodeOutcome> Run(IReadOnlyList<CodeProgram> programs, CancellationToken cancellation);
}
