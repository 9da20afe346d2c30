namespace Tulu2.Runs.Output;

/// <summary>Where a run reports what it does while it does it: a terminal, or the one who submitted it. Thread-safe.</summary>
internal interface IRunOutput
{
    /// <summary>Where details that nobody reads on a screen are written; the run directory's log once there is one.</summary>
    string LogFile { get; set; }

    /// <summary>The command line that this process was started with, for the log.</summary>
    IReadOnlyList<string> Arguments { get; }

    /// <summary>The signal that stops the run; null: there is none to hear.</summary>
    IStopSignal? StopSignal { get; }

    /// <summary>A line for a person, such as what was skipped and why.</summary>
    void Say(string text);

    /// <summary>Shows the progress of <paramref name="work"/>, which reports as it goes, from any thread.</summary>
    Task<T> ShowAsync<T>(string title, Func<Action<ProgressSnapshot>, Task<T>> work);
}
