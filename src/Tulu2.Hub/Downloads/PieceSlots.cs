namespace Tulu2.Hub.Downloads;

/// <summary>
/// The connections, and with each of them the memory for a piece, that all files of a fetch share. A slot is taken before a piece is asked for and given back
/// once the piece is written.
/// </summary>
internal sealed class PieceSlots(int count) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count, count);

    /// <summary>Takes a slot if one is free.</summary>
    public bool TryTake() => _free.Wait(0);

    /// <summary>
    /// Waits for a slot. Only who holds none may wait: what is held is given back once it is written, which waiting would keep from happening.
    /// </summary>
    public Task TakeAsync(CancellationToken cancellation) => _free.WaitAsync(cancellation);

    public void GiveBack() => _free.Release();

    public void Dispose() => _free.Dispose();
}
