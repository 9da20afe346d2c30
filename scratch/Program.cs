using System.Diagnostics;
using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Llama;
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;
TorchRuntime.Initialize(); TorchRuntime.EnterRankThread();
Console.WriteLine(TorchRuntime.Facts);
var type = args.Contains("bf16") ? ScalarType.BFloat16 : ScalarType.Float32;
int V = args.Contains("v1") ? 1 : 4;
if (args.Contains("mem")) { Memory.Big(type, args.Contains("recompute")); return; } if (args.Contains("long")) { Memory.Long(); return; }
if (args.Contains("att")) { Att.Run(type); return; }
if (args.Contains("measure")) { var c0 = new LlamaConfig { HiddenSize=512, IntermediateSize=1408, Layers=4, Heads=8, KeyValueHeads=4, HeadSize=64, VocabularySize=8192 }; var f=MineMeasurement.Run(c0, type==ScalarType.BFloat16, V, 4, 256, args.Contains("dpo")); Console.WriteLine($"{type} V{V} {f.ProcessorSeconds*1e3:f1} ms cpu, {f.ElapsedSeconds*1e3:f1} wall, share {f.ShareOfCeiling:p1}, ceiling {f.CeilingFlops/1e9:f1}"); foreach (var k in f.Kinds) Console.WriteLine($"  {k.Key,-26} {k.Value*1e3,8:f2}"); return; }
if (args.Contains("shapes")) { Shapes(); return; }
double ceiling = Math.Max(Rate(1024,1024,1024), Rate(1024,512,2816));
var config = new LlamaConfig { HiddenSize=512, IntermediateSize=1408, Layers=4, Heads=8, KeyValueHeads=4, HeadSize=64, VocabularySize=8192 };
var layout = new FlatLayout(config, V);
using var weights = (randn([layout.Length]) * 0.02).to_type(type);
var heads = new HeadGeometry(config, V); var rot = new RotaryTable(64, 10000, 512);
var kernels = new TimedKernels(BlockKernels.For(type, DeviceType.CPU, heads, rot), heads, rot);
using var model = new LlamaModel(layout, weights, args.Contains("recompute"), AllShardsHere.Instance, kernels);
int segs=4, len=256; var rnd = new Random(1);
var ids = Enumerable.Range(0, segs*len).Select(_=>rnd.Next(8192)).ToArray();
var batch = new SlotBatch(1,0,ids, Enumerable.Range(0,segs*len).Select(i=>i%len).ToArray(), Enumerable.Repeat(len,segs).ToArray(), Enumerable.Range(0,segs*len).ToArray(), ids, Enumerable.Range(0,segs*len).Select(i=>i/len).ToArray(), [], segs*len);
using var gradient = zeros([layout.Length]); using var coef = full([segs*len], -1f/1024);
double flops = 6.0*(layout.Length - 8192*512)*1024 + 6.0*4*512*257/2*2*1024; // 6 x 2 x T/2 x Q per token per layer
var best=double.MaxValue; OperationClock clock=null!; var times = new List<double>();
for (int i=0;i<20;i++){ if (i==5) {}
  var c = new OperationClock(); OperationClock.Current=c; var sw=Cpu.Now();
  using (var a = model.Forward(batch,true)) using (var r = model.Backward(a, coef, gradient)) { }
  var t=Cpu.Now()-sw; OperationClock.Current=null; if(i>2) times.Add(t); if (t<best){best=t;clock=c;}
}
times.Sort(); double med=times[times.Count/2];
ceiling = Math.Max(ceiling, Math.Max(Rate(1024,1024,1024), Rate(1024,512,2816)));
Console.WriteLine($"{type} V{V} ceiling {ceiling/1e9:f1} GF/s; best {best*1e3:f1} ms = {flops/best/ceiling:p1}; median {med*1e3:f1} = {flops/med/ceiling:p1}; RSS {Environment.WorkingSet>>20}");
double tot=0; foreach (var (k,v) in clock.Times) { Console.WriteLine($"  {k,-26} {v.Seconds*1e3,8:f2} ms {v.Calls}"); tot+=v.Seconds; }
Console.WriteLine($"  rest {(best-tot)*1e3:f2} ms; product at ceiling would be {6.0*(layout.Length - 8192*512)*1024/ceiling*1e3:f1}");

double Rate(long m,long k,long n, bool ta=false, bool tb=false){ using var s=NewDisposeScope(); var a= ta? randn([k,m]).to_type(type).t() : randn([m,k]).to_type(type); var b= tb? randn([n,k]).to_type(type).t() : randn([k,n]).to_type(type); var o=empty([m,n],dtype:type);
  double b0=double.MaxValue; var end=Stopwatch.StartNew(); int it=0; while(end.Elapsed.TotalSeconds<0.7||it<4){it++; var sw=Cpu.Now(); Aten.MatMul(o,a,b); b0=Math.Min(b0,Cpu.Now()-sw);} return 2.0*m*k*n/b0; }
void Shapes(){ foreach (var (n,m,k,n2,ta,tb) in new (string,long,long,long,bool,bool)[]{ ("ceil1024",1024,1024,1024,false,false),("ceil2816",1024,512,2816,false,false),("ceil2048",2048,2048,2048,false,false),
 ("qkv f",1024,512,1024,false,true),("gu f",1024,512,2816,false,true),("o part",1024,128,512,false,true),("o full",1024,512,512,false,true),("down part",1024,352,512,false,true),("down full",1024,1408,512,false,true),("head256 f",256,512,8192,false,true),("head512 f",512,512,8192,false,true),("head1024 f",1024,512,8192,false,true),
 ("qkv dW",1024,1024,512,true,false),("gu dW",2816,1024,512,true,false),("down dW",512,1024,1408,true,false),("head256 dW",8192,256,512,true,false),("head512 dW",8192,512,512,true,false),("head1024 dW",8192,1024,512,true,false),
 ("qkv dX part",1024,256,512,false,false),("gu dX part",1024,704,512,false,false),("gu dX full",1024,2816,512,false,false),("o dX",1024,512,512,false,false),("down dX",1024,512,1408,false,false),("head256 dX part",256,2048,512,false,false),("head1024 dX part",1024,2048,512,false,false)})
 Console.WriteLine($"{n,-18} {Rate(m,k,n2,ta,tb)/1e9:f1}"); }
