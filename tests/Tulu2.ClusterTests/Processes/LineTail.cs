using System.Text;

namespace Tulu2.ClusterTests.Processes;

/// <summary>Counts the lines of a file that grows, and reads only what is new each time.</summary>
/// <param name="text">Counts lines with this text; empty: all.</param>
internal sealed class LineTail(string file, string text) : IDisposable
{
    private readonly StreamReader _reader = new(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
    private readonly StringBuilder _line = new();
    private int _count;

    public int Count()
    {
        for (int next; (next = _reader.Read()) >= 0;)
        {
            if (next != '\n') _line.Append((char)next);
            else
            {
                if (text == "" || _line.ToString().Contains(text, StringComparison.Ordinal)) _count++;
                _line.Clear();
            }
        }
        return _count;
    }

    public void Dispose() => _reader.Dispose();
}
