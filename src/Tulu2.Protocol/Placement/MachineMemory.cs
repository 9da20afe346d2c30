namespace Tulu2.Protocol.Placement;

/// <summary>Memory that the processes of a node may use: all of its machine's, or what a limit leaves them of it.</summary>
/// <param name="Bytes">0: unknown.</param>
/// <param name="Name">Of the machine, or of the limit: nodes with one name share the memory.</param>
public sealed record MachineMemory(long Bytes, string Name)
{
    public static MachineMemory Unknown { get; } = new(0, "");
}
