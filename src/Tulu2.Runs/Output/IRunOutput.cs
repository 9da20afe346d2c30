namespace Tulu2.Runs.Output;

/// <summary>Output of a run while it is under way: a terminal, or the process that submitted the run. Thread-safe.</summary>
internal interface IRunOutput
{
    /// <summary>File for the details of unexpected errors; the run directory's log once there is one.</summary>
    string LogFile { get; set; }

    /// <summary>Arguments of the command, for the log.</summary>
    IReadOnlyList<string> Arguments { get; }

    /// <summary>The signals that stop the run; null: none do.</summary>
    IStopSignal? StopSignal { get; }

    /// <summary>A line for a person, such as what was skipped and why.</summary>
    void Say(string text);

    /// <summary>Shows the progress of <paramref name="work"/>, which reports as it goes, from any thread.</summary>
    Task<T> ShowAsync<T>(string title, Func<Action<ProgressSnapshot>, Task<T>> work);
}
