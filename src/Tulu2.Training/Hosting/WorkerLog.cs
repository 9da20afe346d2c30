namespace Tulu2.Training.Hosting;

/// <summary>Appends a worker process's output to the run's log, and keeps its last lines for failure reports. Thread-safe.</summary>
/// <param name="path">Path of the log; null: none.</param>
/// <param name="name">The first <see cref="Name"/>.</param>
internal sealed class WorkerLog(string? path, string name)
{
    private const int Kept = 20;

    private static readonly Lock Gate = new();
    private readonly Queue<string> _last = new();

    /// <summary>Prefix of each line: <c>rank 3</c>.</summary>
    public string Name { get; set; } = name;

    public string LastLines
    {
        get { lock (_last) return string.Join('\n', _last); }
    }

    public void Add(string? line)
    {
        if (line is null) return;
        lock (_last)
        {
            _last.Enqueue(line);
            if (_last.Count > Kept) _last.Dequeue();
        }
        if (path is null) return;
        try
        {
            lock (Gate) File.AppendAllText(path, $"{Name}: {line}\n");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The log is for people only; the failure report has the last lines.
        }
    }
}
