namespace Tulu2.Training.Hosting;

/// <summary>What worker processes print, line by line in the run's log; the last lines of each are kept for its failure. Thread-safe.</summary>
/// <param name="path">Null: nowhere.</param>
/// <param name="name">Stands in front of each line: <c>rank 3</c>.</param>
internal sealed class WorkerLog(string? path, string name)
{
    private const int Kept = 20;

    private static readonly Lock Gate = new();
    private readonly Queue<string> _last = new();

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
            lock (Gate) File.AppendAllText(path, $"{name}: {line}\n");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // For people only; what matters of it is in the failure.
        }
    }
}
