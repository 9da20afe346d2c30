using Spectre.Console;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Shell;

/// <summary>
/// Where a command reads and writes. Results go to standard output; progress and remarks to standard error, so that a pipe carries only results.
/// </summary>
/// <param name="input">Standard input.</param>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="isInteractive">A person watches standard error: bars may move. False: plain lines without control characters.</param>
internal sealed class Terminal(TextReader input, TextWriter output, TextWriter error, bool isInteractive) : IRunOutput
{
    // Lines of a redirected stream are read by programs: they are not folded.
    private const int RedirectedWidth = 4000;

    public TextReader Input { get; } = input;
    public TextWriter Output { get; } = output;
    public TextWriter Error { get; } = error;
    public bool IsInteractive { get; } = isInteractive;

    /// <summary>Programs read the last line of standard output; everything for people goes to standard error.</summary>
    public bool Json { get; set; }

    /// <summary>Print where an unexpected error came from.</summary>
    public bool Verbose { get; set; }

    /// <summary>Where the details of an unexpected error are written; the run directory's once there is one.</summary>
    public string LogFile { get; set; } = ErrorLog.DefaultFile;

    /// <summary>What the command was started with.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>The signals that end the command; null where none are heard.</summary>
    public Interrupt? Interrupt { get; set; }

    IStopSignal? IRunOutput.StopSignal => Interrupt;

    /// <summary>For tables and other results that people read.</summary>
    public IAnsiConsole Human => Json ? Remarks : _human ??= Console(Output, !System.Console.IsOutputRedirected);

    /// <summary>For progress and remarks.</summary>
    public IAnsiConsole Remarks => _remarks ??= Console(Error, !System.Console.IsErrorRedirected);

    private IAnsiConsole? _human;
    private IAnsiConsole? _remarks;

    public static Terminal Standard()
    {
        System.Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new Terminal(System.Console.In, new TerminalWriter(System.Console.Out), new TerminalWriter(System.Console.Error), !System.Console.IsErrorRedirected);
    }

    /// <summary>A plain remark, such as what was skipped and why.</summary>
    public void Say(string text)
    {
        // A bar that is being drawn has to make room.
        if (IsInteractive) Remarks.Write(new Remark(text));
        else
            lock (Error) Error.WriteLine(text);
    }

    public Task<T> ShowAsync<T>(string title, Func<Action<ProgressSnapshot>, Task<T>> work) => ProgressDisplay.RunAsync(this, title, work);

    /// <summary>Reads a line from a person or a pipe; null: there are no more. A line that never comes does not hold up the end of the command.</summary>
    /// <exception cref="OperationCanceledException">The command is to end.</exception>
    public string? ReadLine(CancellationToken cancellation) => Read(Input.ReadLine, cancellation);

    /// <summary>Reads all there is, in the same way.</summary>
    /// <exception cref="OperationCanceledException">The command is to end.</exception>
    public string ReadToEnd(CancellationToken cancellation) => Read(Input.ReadToEnd, cancellation);

    // A read of standard input cannot be taken back: its thread is left to the end of the process.
    private static T Read<T>(Func<T> read, CancellationToken cancellation) => Task.Run(read).WaitAsync(cancellation).GetAwaiter().GetResult();

    /// <summary>A line of a result that people read.</summary>
    public void WriteHuman(string line) => (Json ? Error : Output).WriteLine(line);

    private IAnsiConsole Console(TextWriter writer, bool isTerminal)
    {
        var live = isTerminal && IsInteractive;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = live ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = live ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = live ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        if (!live) console.Profile.Width = RedirectedWidth;
        return console;
    }
}
