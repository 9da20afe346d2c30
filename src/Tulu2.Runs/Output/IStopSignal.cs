namespace Tulu2.Runs.Output;

/// <summary>A signal that asks this process to end in order.</summary>
internal interface IStopSignal
{
    /// <summary>Name of the signal, such as SIGTERM; null: none has come.</summary>
    string? Name { get; }

    /// <summary>Keeps the process alive until the answer is disposed of: something has to be brought to its end, however long it takes.</summary>
    IDisposable Hold();
}
