using System.Text;

namespace Tulu2.Cli.Nodes;

/// <summary>Hands out what is written to it line by line. Thread-safe.</summary>
internal sealed class LineWriter(Action<string> take) : TextWriter
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _line = new();

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value)
    {
        lock (_gate)
        {
            if (value != '\n')
            {
                _line.Append(value);
                return;
            }
            take(_line.ToString().TrimEnd('\r'));
            _line.Clear();
        }
    }
}
