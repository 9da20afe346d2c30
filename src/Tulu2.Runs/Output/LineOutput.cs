namespace Tulu2.Runs.Output;

/// <summary>Sends the output of a run line by line.</summary>
/// <param name="send">Takes one line, without its line break; thread-safe.</param>
internal sealed class LineOutput(Action<string> send, IReadOnlyList<string> arguments) : IRunOutput
{
    public string LogFile { get; set; } = ErrorLog.DefaultFile;

    public IReadOnlyList<string> Arguments => arguments;

    public IStopSignal? StopSignal => null;

    public void Say(string text)
    {
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n')) send(line);
    }

    public Task<T> ShowAsync<T>(string title, Func<Action<ProgressSnapshot>, Task<T>> work) => work(new ProgressLines(title, Say).Report);
}
