using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Workers;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>shard --listen HOST:PORT --key-file FILE</c>: holds a part of a model for a process on another machine, until it is stopped (docs/sharded-models.md).</summary>
internal sealed class ShardCommand(Terminal terminal)
{
    private readonly Option<string> _listen = CommandBuilder.Required<string>("--listen", "host:port to listen at");
    private readonly Option<string> _key = CommandBuilder.Required<string>("--key-file", "File with a key of 16 characters or more, which those that use the shard need too");

    public Command Create() => CommandBuilder.Command("shard", "Hold a part of a model that is too large for one machine", [_listen, _key], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var address = ShardAddress.Parse(_listen.Name, parsed.GetValue(_listen)!);
        var key = ShardPlan.ReadKey(parsed.GetValue(_key)!);
        try
        {
            var point = new IPEndPoint((await Dns.GetHostAddressesAsync(address.Host, cancellation))[0], address.Port);
            terminal.Say($"waiting at {address} for a process that needs a shard; Ctrl-C stops it");
            await Task.Factory.StartNew(() => new ShardServer(point, key, terminal.Say).Run(cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (SocketException failure)
        {
            throw new BadInputException($"{_listen.Name} {address}", $"cannot be listened at: {FaultText.Of(failure)}", "give an address of this machine, and a port that is free", failure);
        }
        // The signal's own code is put in its place, as for every command that is stopped.
        return ExitCode.Failed;
    }
}
