using Spectre.Console;
using Tulu2.Runs.Launch;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Shell;

/// <summary>
/// Input and output of a command. Results go to standard output; progress and remarks to standard error, so that a pipe carries only results.
/// </summary>
/// <param name="input">Standard input.</param>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="isInteractive">Standard error is a terminal: progress bars are drawn. False: plain lines without control characters.</param>
internal sealed class Terminal(TextReader input, TextWriter output, TextWriter error, bool isInteractive) : IRunOutput
{
    // Lines of a redirected stream are read by programs: they are not wrapped.
    private const int RedirectedWidth = 4000;

    public TextReader Input { get; } = input;
    public TextWriter Output { get; } = output;
    public TextWriter Error { get; } = error;
    public bool IsInteractive { get; } = isInteractive;

    /// <summary>The last line of standard output is JSON; everything for people goes to standard error.</summary>
    public bool Json { get; set; }

    /// <summary>Print the stack trace of an unexpected error.</summary>
    public bool Verbose { get; set; }

    /// <summary>File for the details of unexpected errors; the run directory's log once there is one.</summary>
    public string LogFile { get; set; } = ErrorLog.DefaultFile;

    /// <summary>Arguments of the command.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>The signals that stop the command; null: none do.</summary>
    public Interrupt? Interrupt { get; set; }

    /// <summary>The command has a process of its own, which it may leave to a launcher and continue in another one.</summary>
    public bool IsOwnProcess { get; private init; }

    /// <summary>How a launcher started this process; null: it did not.</summary>
    public LaunchedCoordinator? Launched { get; set; }

    IStopSignal? IRunOutput.StopSignal => Interrupt;

    /// <summary>Console for tables and other results for people.</summary>
    public IAnsiConsole Human => Json ? Remarks : _human ??= Console(Output, !System.Console.IsOutputRedirected);

    /// <summary>Console for progress and remarks.</summary>
    public IAnsiConsole Remarks => _remarks ??= Console(Error, !System.Console.IsErrorRedirected);

    private IAnsiConsole? _human;
    private IAnsiConsole? _remarks;

    public static Terminal Standard()
    {
        System.Console.OutputEncoding = new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new Terminal(System.Console.In, new TerminalWriter(System.Console.Out), new TerminalWriter(System.Console.Error), !System.Console.IsErrorRedirected)
        {
            IsOwnProcess = true,
        };
    }

    /// <summary>A line for a person, such as what was skipped and why.</summary>
    public void Say(string text)
    {
        // A progress bar has to make room.
        if (IsInteractive) Remarks.Write(new Remark(text));
        else
            lock (Error) Error.WriteLine(text);
    }

    public Task<T> ShowAsync<T>(string title, Func<Action<ProgressSnapshot>, Task<T>> work) => ProgressDisplay.RunAsync(this, title, work);

    /// <summary>Reads a line of standard input; null: end of input. Cancelling does not wait for the line.</summary>
    /// <exception cref="OperationCanceledException">The command was stopped.</exception>
    public string? ReadLine(CancellationToken cancellation) => Read(Input.ReadLine, cancellation);

    /// <summary>Reads standard input to its end, in the same way.</summary>
    /// <exception cref="OperationCanceledException">The command was stopped.</exception>
    public string ReadToEnd(CancellationToken cancellation) => Read(Input.ReadToEnd, cancellation);

    // A read of standard input cannot be cancelled: its thread lives until the process ends.
    private static T Read<T>(Func<T> read, CancellationToken cancellation) => Task.Run(read).WaitAsync(cancellation).GetAwaiter().GetResult();

    /// <summary>A line of a result for people.</summary>
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
