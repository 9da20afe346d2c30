using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Tulu2.Evaluation.Execution;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Execution;

/// <summary>One runner for a class of tests, and what programs may not touch: a file, a port, a process. Tests are skipped where nothing can be isolated.</summary>
public sealed class RunnerFixture : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sandbox");
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Process _process = Process.Start(new ProcessStartInfo("sleep", "3600"))!;
    private readonly CodeRunner _runner = new(allowUnsafe: false);
    private readonly string? _refusal;

    public RunnerFixture()
    {
        File.WriteAllText(Canary, "precious");
        _listener.Start();
        try
        {
            _runner.Prepare();
        }
        catch (BadInputException refusal)
        {
            _refusal = $"{refusal.Message}; {refusal.Fix}";
        }
    }

    public string Canary => Path.Join(_folder.FullName, "canary");

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int ProcessId => _process.Id;

    /// <summary>Nothing was read, written, reached or ended.</summary>
    public void AssertUntouched()
    {
        Assert.Equal("precious", File.ReadAllText(Canary));
        Assert.False(_listener.Pending());
        Assert.False(_process.HasExited);
    }

    public IReadOnlyList<CodeOutcome> Run(params IReadOnlyList<CodeProgram> programs)
    {
        Skip.If(_refusal is not null, _refusal);
        return _runner.Run(programs, CancellationToken.None);
    }

    /// <summary>The program's function is <c>f</c>.</summary>
    public CodeOutcome Run(string source, string check, double seconds = 20) => Run([new CodeProgram(source, check, seconds) { Function = "f" }])[0];

    public void Dispose()
    {
        _runner.Dispose();
        _process.Kill();
        _process.Dispose();
        _listener.Dispose();
        _folder.Delete(recursive: true);
    }
}
