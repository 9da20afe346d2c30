using System.Diagnostics;
using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Llama;
using Tulu2.Models.Torch;
using static TorchSharp.torch;
static class Memory {
 static long Peak(){ foreach (var l in File.ReadLines("/proc/self/status")) if (l.StartsWith("VmHWM")) return long.Parse(new string(l.Where(char.IsDigit).ToArray()))/1024; return 0; }
 static long Rss(){ foreach (var l in File.ReadLines("/proc/self/status")) if (l.StartsWith("VmRSS")) return long.Parse(new string(l.Where(char.IsDigit).ToArray()))/1024; return 0; }
 static SlotBatch Batch(int[] lens,int vocab,int seed){ var rnd=new Random(seed); int n=lens.Sum(); var ids=Enumerable.Range(0,n).Select(_=>rnd.Next(vocab)).ToArray();
  return new SlotBatch(1,0,ids,lens.SelectMany(l=>Enumerable.Range(0,l)).ToArray(),lens,Enumerable.Range(0,n).ToArray(),ids,lens.SelectMany((l,i)=>Enumerable.Repeat(i,l)).ToArray(),[],n); }
 public static void Big(ScalarType type, bool recompute){
  Console.WriteLine($"start RSS {Rss()}");
  var c=new LlamaConfig{HiddenSize=256,IntermediateSize=704,Layers=14,Heads=8,KeyValueHeads=4,HeadSize=32,VocabularySize=32000};
  var layout=new FlatLayout(c,4); Console.WriteLine($"params {layout.Length/1e6:f1}M");
  var opt=zeros([3*layout.Length]); opt.fill_(1); var grad=zeros([layout.Length]); grad.fill_(1);
  var w=zeros([layout.Length]); w.normal_(0,0.02); var wt = type==ScalarType.Float32? w : w.to_type(type); if (type!=ScalarType.Float32) w.Dispose();
  Console.WriteLine($"state RSS {Rss()}");
  using var m=new LlamaModel(layout,wt,recompute); var b=Batch([2048],32000,1); using var coef=full([2048],-1f/2048);
  for(int i=0;i<4;i++){ var sw=Stopwatch.StartNew(); using var a=m.Forward(b,true); using var r=m.Backward(a,coef,grad); Console.WriteLine($"{type} recompute {recompute} step {i} RSS {Rss()} peak {Peak()} {sw.Elapsed.TotalSeconds:f1}s"); }
 }
 public static void Long(){
  var c=new LlamaConfig{HiddenSize=128,IntermediateSize=256,Layers=2,Heads=4,KeyValueHeads=4,HeadSize=32,VocabularySize=512};
  var layout=new FlatLayout(c,4); var w=zeros([layout.Length]); w.normal_(0,0.02); var grad=zeros([layout.Length]); using var m=new LlamaModel(layout,w); var rnd=new Random(1);
  for(int i=0;i<=2000;i++){ var b=Batch(Enumerable.Range(0,4).Select(_=>rnd.Next(5,60)).ToArray(),512,i); using var coef=full([b.Ids.Length],-1f); using var a=m.Forward(b,true); using var r=m.Backward(a,coef,grad); if(i%250==0) Console.WriteLine($"{i} RSS {Rss()} tensors {DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount}"); }
 }
}
