using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Serving.Access;
using Tulu2.Serving.Hosting;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;
using Tulu2.Training.Recipes;

namespace Tulu2.Cli.Commands;

/// <summary><c>serve --model DIR</c>: an OpenAI-compatible server, until it is stopped (docs/serving.md).</summary>
internal sealed class ServeCommand(Terminal terminal)
{
    // Within the time that an interrupted command has.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Option<string> _model = CommandBuilder.Required<string>("--model", ModelArgument.Description);
    private readonly Option<string?> _adapter = ModelArgument.Adapter();
    private readonly Option<string> _host = CommandBuilder.Option("--host", "Address to listen at; 0.0.0.0 for every one of this machine's", "127.0.0.1");
    private readonly Option<int> _port = CommandBuilder.Option("--port", "Port; 0 for a free one", 8000);
    private readonly Option<string?> _keyFile = CommandBuilder.Optional<string>("--api-key-file", "File with the keys that clients have to show, one a line");
    private readonly Option<bool> _noKey = CommandBuilder.Flag("--no-api-key",
        "Let anyone who reaches the address use the server, on other addresses than this machine's own too");
    private readonly Option<string?> _name = CommandBuilder.Optional<string>("--name", "The model's name for clients; the directory's by default");
    private readonly Option<Precision?> _precision = CommandBuilder.Optional<Precision?>("--precision",
        "Hold the weights in fp32 or bf16; without it, as the files do");
    private readonly Option<int?> _threads = CommandBuilder.Optional<int?>("--threads", "Threads that compute, in each process; by default all processors'");
    private readonly ShardFlags _shards = new();
    private readonly Option<int> _maxRunning = CommandBuilder.Option("--max-running", "Answers that are generated at a time; others wait", 32);
    private readonly Option<int> _maxWaiting = CommandBuilder.Option("--max-waiting", "Prompts that wait; with one more, clients are told to come back", 256);

    public Command Create() => CommandBuilder.Command("serve", "Serve a model over HTTP, compatible with the OpenAI API",
        [_model, _adapter, _host, _port, _keyFile, _noKey, _name, _precision, _threads, _maxRunning, _maxWaiting, .. _shards.Symbols], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        // What is wrong with the command line is said before a large model is read.
        var settings = await SettingsAsync(parsed, cancellation);
        var shards = _shards.Read(parsed);
        var engineSettings = new EngineSettings
        {
            Threads = CommandBuilder.AtLeast(1, parsed, _threads) ?? Math.Max(1, Environment.ProcessorCount / (shards.IsRemote ? 1 : shards.Count)),
            MaxRunning = CommandBuilder.AtLeastOne(parsed, _maxRunning),
            MaxWaiting = CommandBuilder.AtLeastOne(parsed, _maxWaiting),
        };
        var loading = ShardFlags.Loading(shards, GenerationFlags.Precisions(parsed.GetValue(_precision)), terminal.Say);
        var directory = await ModelArgument.NameAsync(terminal, parsed.GetValue(_model)!, parsed.GetValue(_adapter), cancellation);
        using var model = await Task.Run(() => LoadedModel.Load(directory, loading), cancellation);
        foreach (var remark in model.Remarks) terminal.Say(remark);
        using var engine = GenerationEngine.Start(model, engineSettings);
        var served = new ServedModel(NameOf(parsed, directory), engine, model.Tokenizer, model.Chat) { Aliases = [parsed.GetValue(_model)!, directory] };
        await using var server = await ApiServer.StartAsync(served, settings, Report, cancellation);
        var keys = settings.Keys.Count == 0 ? "no key" : NumberText.Count(settings.Keys.Count, "key");
        terminal.Say($"{served.Name} is served at {server.Url.AbsoluteUri}v1 with {keys}; Ctrl-C stops it");
        if (terminal.Json)
        {
            terminal.Output.WriteLine(JsonLine.Of(new { Url = server.Url.AbsoluteUri.TrimEnd('/'), Model = served.Name }));
            terminal.Output.Flush();
        }
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        terminal.Say("stopping: no more requests are taken, and those in progress are finished");
        await server.StopAsync(Grace);
        terminal.Say("stopped");
        // The signal's own code is put in its place, as for every command that is stopped.
        return ExitCode.Failed;
    }

    private async Task<ServerSettings> SettingsAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var port = parsed.GetValue(_port);
        if (port is < 0 or > ushort.MaxValue) throw new BadInputException("--port", $"{port} is not a port", "use 0 to 65535; 0 for a free one");
        var keys = parsed.GetValue(_keyFile) is { } file ? ApiKeyFile.Read(file, terminal.Say) : [];
        var address = await AddressAsync(parsed.GetValue(_host)!, cancellation);
        if (keys.Count == 0 && !IPAddress.IsLoopback(address) && !parsed.GetValue(_noKey))
            throw new BadInputException($"--host {parsed.GetValue(_host)}", "would let everyone who reaches this machine use the model",
                "give --api-key-file FILE, or --no-api-key where something else keeps strangers away");
        return new ServerSettings { Address = address, Port = port, Keys = keys };
    }

    private static async Task<IPAddress> AddressAsync(string host, CancellationToken cancellation)
    {
        if (host is "localhost") return IPAddress.Loopback;
        if (IPAddress.TryParse(host, out var address)) return address;
        try
        {
            return (await Dns.GetHostAddressesAsync(host, cancellation))[0];
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException)
        {
            throw new BadInputException($"--host {host}", "is no address of this machine", "give an IP address, such as 127.0.0.1 or 0.0.0.0", failure);
        }
    }

    private string NameOf(ParseResult parsed, string directory)
    {
        if (parsed.GetValue(_name) is { Length: > 0 } name) return name;
        if (HubUri.Is(parsed.GetValue(_model)!)) return parsed.GetValue(_model)![HubUri.Scheme.Length..];
        var folders = ModelFolders.Parse(directory);
        return Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folders.Adapter ?? folders.Model)));
    }

    private void Report(Exception error) => terminal.Say(ErrorLog.Write(error, terminal));
}
