"""the name of an argument, a method or an array in -> what people mean by it, out.

Every word that people use stands here, in lower case and without underlines, and nowhere else. A
name may stand for one thing in a layer and for another in a loss. Names that are not here are told
by where they stand and by what fits: see placeholder.py and usage.py.
"""

import re


def plain(name: str) -> str:
    """Return a name in lower case, without underlines.

    >>> plain("_Weight_Init")
    'weightinit'
    """
    return name.lower().replace("_", "")


def parts(name: str) -> list[str]:
    """Return the words that a name is made of.

    >>> parts("hiddenSize_1"), parts("dW1")
    (['hidden', 'size', '1'], ['d', 'w', '1'])
    """
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Methods and functions.
FORWARD = _words("""
    forward forward_pass feedforward feed_forward forward_propagation forward_prop fprop forwardprop
    forward_propagate fwd call __call__ activate apply compute function f loss compute_loss
    calculate calc activation fn compute_cost cost forw func fun call_forward evaluate _forward
    forwards propagate predict output value run activation_function
""")
BACKWARD = _words("""
    backward backward_pass backprop back_prop backpropagate backpropagation backward_propagation
    backward_prop bprop bwd backwards back gradient grad gradients derivative prime deriv df diff
    calc_gradient dfn compute_gradient compute_gradients loss_gradient d back_propagation
    back_propagate f_prime grads derivate gradient_descent activation_prime loss_derivative dloss
    backward_propagate loss_grad loss_prime _grad compute_grad calculate_gradient dfunc
    gradient_backward _backward _compute_gradients function_prime forward_derivative dactivation
    activation_derivative _compute_gradient _backprop function_derivative fprime prime_function
    calculate_gradients backward_propogation back_propogation activation_gradient
    evaluate_derivative evaluate_gradient apply_derivative function_gradient func_prime
    func_derivative derive activation_function_derivative activation_function_prime _gradient
    _derivative d_loss
""")
NETWORK = _words("gradient gradients compute_gradients backprop grad")  # of a class with a loss
LOSS_METHODS = _words("loss compute_loss cost calculate_loss get_loss")
BEFORE = _words("""
    d_ d grad_ deriv_ derivative_ backward_ gradient_ bprop_ back_ der_ diff_ prime_ grad_of_
    derivative_of_ gradient_of_ deriv_of_ backprop_
""")
AFTER = _words("""
    _backward _derivative _prime _grad _gradient _deriv _bprop _back _d _der _diff _backprop _dx
    Derivative Prime Grad _derivate _backward_pass _backwards Gradient Backward _derv _gradients
    _backpropagation _derivation
""")
HELPER = "gradcheck_"  # what the name of a function begins with that builds a layer to be checked
LOSS_FUNCTION = re.compile(r"loss|cost|cross_?entropy|mse|svm|hinge", re.IGNORECASE)
INITIALIZE = _words("""
    set_input_shape build initialize init_params init_weights _init_params reset_parameters
    initialize_parameters init initialise initialize_weights _initialize setup init_parameters
    compile _init_weights set_params
""")

# Arguments of forward and backward.
INPUT = _words("""
    x input inputs inp data a aprev ain z h features batch xbatch indata layerinput tensor xs image
    images img batchpoints inputdata sample samples prevoutput activationprev val value v u net s
    inputtensor xin arr array xtrain xt query inputarray inputlayer inputvector inputvalue vector
    inputsignal signal key keys queries values hs hsenc
""")
INPUT_WORDS = frozenset(_words("input inputs output outputs encoder decoder"))  # in longer names
ATTENTION = frozenset("qkv")  # where all three are given
PREDICTED = _words("""
    ypred yhat pred preds predicted prediction predictions p prob probs probability probabilities al
    logits logit scores score out output outputs yp ypredicted a2 a3 result estimate ypreds predy
    predict outputpred netoutput guess predictedvalues predictedoutput actualoutput
""")
LABELS = _words("""
    t y label labels target targets ytrue actual truth groundtruth onehot teacher ts ybatch gt
    expected tbatch desired yt trueclass classes batchlabels true yreal answer ytrain ytest yactual
    desiredoutput expectedoutput ytarget targetoutput truey realy trueoutput truevalues groundtruths
    correct ylabel ylabels yonehot actualvalues tgt lbl labely
""")
SURE_LABELS = _words("t ytrue target targets")  # where two arguments are called as labels are
UPSTREAM = re.compile(
    r"d[a-z]?|dout|dout\w*|d(y|z|a|h|s|l|x|o|p)\w{0,6}|dl?dy|dj?dz|delta\w*|\w*grad\w*|upstream\w*|"
    r"dvalues?|outputerror|error|err|errors|eta|residual|topdiff|dnext\w*|dcurrent\w*|dprev\w*|"
    r"dc\w*|d\w+next|"
    r"dloss\w*|derror|nabla\w*|accum\w*|dout|dupstream|douts|back\w*"
)
NO_UPSTREAM = _words("data depth dim dims dilation dropout device dtype")
OUTPUTS = _words("out output outputs y yhat result activation activated yout")
CACHE = re.compile(r"\w*caches?|ctx|context|memory|tape|saved|stored|residuals|\w*cached")
CONTEXT = re.compile(r"ctx|context")
MASK = _words("mask masks")
STATE = re.compile(
    r"(prev|last|old|init)?[hc](0|prev|last|old)|hprev\w*|prev[hcs]|[hc]|"
    r"(a|s|c|h|hidden|state|cell)(prev|previous|tm1|0|old|last)|"
    r"(prev|previous|last|old|initial)?(hidden|state|hiddenstate|cellstate|cell)"
)
MODES = ("train", "test", "eval")  # in which a layer is used
TRAINING = re.compile(r"(is)?train(ing|flg|flag|mode|phase)?|trainable|istrain")
FOR_USE = re.compile(  # and not for learning
    r"train|test|eval|infer|determin|predict|verbose|debug|seed|momentum|decay", re.IGNORECASE
)
FOR_ELSE = re.compile(rf"{FOR_USE.pattern}|softmax", re.IGNORECASE)  # or a loss that derives it
RATE = re.compile(r"lr|learningrate|stepsize|lrate|learnrate|rate|learnrates?|eta")
RATES = _words("lr learning_rate alpha eta rate step_size learningRate learn_rate lrate LR")
OPTIMIZERS = _words("optimizer optim opt optimiser")
ACTIVATIONS = _words("activation act activationfunction activationfn nonlinearity")

# Arrays of a layer.
WEIGHTS = re.compile(r"w\d*|weights?\d*|kernels?|filters?|theta|w[xhs]\w?\d?|u|wi|ww|matrix|initw")
BIAS = re.compile(r"b\d*|bias(es)?\d*|b[hsx]\w?|w0|initb")
PER_FEATURE = _words("""
    gamma beta scale shift runningmean runningvar movingmean movingvar mean var axisscale
""")
KEPT = re.compile(r"memory|cache|buffer|workspace", re.IGNORECASE)  # of one call for another
RESULTS = _words("output outputs out y a A result activation z activations a2 Z")
HELD = _words("data value val w param array")  # of an object that holds an array and its gradient
GRADIENT = re.compile(
    r"gradients?|grads?|gradof|nabla|delta|derivative|partial|diff|dl|dj|de|dc|dloss|dcost|derr|d|g|"
    r"loss|wrt|by|der|deriv|dldz"
)
SHORT = dict.fromkeys(_words("weights weight kernel kernels filters filter theta"), "w")
SHORT |= dict.fromkeys(_words("bias biases"), "b")
INPUT_GRADIENTS = _words("dx dinputs dinput gradinput inputgrad inputgradient dprev dz da din")

# Sizes, by what they are of.
INPUTS_SIZE = _words("""
    nin indim inputsize inputdim infeatures numinputs ninputs fanin d nfeatures insize din prevsize
    inputnodes inputs nx insz nodesin ninput dim sizein inputunits inunits numfeatures features
    inputlen dimin numin inputneurons nprev inputnum inshape inputfeatures dims embeddim dmodel
    nvisible dk inp in layerin wordvecsize embeddingdim embsize embedsize embeddingsize
""")
OUTPUTS_SIZE = _words("""
    nout outputsize out outdim outfeatures numoutputs units nunits nneurons numclasses outputdim
    fanout m c nclasses neurons size n width outsize outputnodes ny outputs noutputs sizeout
    numneurons dout numunits outputunits outunits outsz noutput nodes dimout numout outputneurons
    outputnum nodesout classes outputfeatures layerout
""")
HIDDEN_SIZE = _words("""
    hidden nhid hiddensize hiddendim nhidden hiddenunits hiddennodes hiddennum numhidden h
    hiddenneurons nh hdim hiddenlayersize
""")
HIDDEN_SIZES = _words("hiddensizelist hiddensizes hiddendims hiddenlayers hiddenlist")
ALL_SIZES = _words("""
    layers layerdims sizes layersizes architecture layersdims dims layersize topology units shape
    nnodes layerssizes layernodes networkshape nodes layerneurons
""")
SIZE_OF_INPUT = frozenset(_words("in input inputs prev from fan visible source feature features x"))
SIZE_OF_OUTPUT = frozenset(_words("out output outputs next class classes target y units neurons"))
SIZE_OF_HIDDEN = frozenset(_words("hidden hid h latent inner"))
CHANNELS_IN = _words("""
    inchannels inputchannels channelsin cin channels numchannels inc nchannels inch numinputchannels
    inputdepth c
""")
CHANNELS_OUT = _words("""
    outchannels outputchannels channelsout cout numfilters nfilters filters filter kernels outc
    filternum numkernels nkernels nf depth outch fn numoutputchannels
""")
WINDOW = _words("""
    kernelsize filtersize poolsize poolh poolw f ksize ksz k hh ww poolheight poolwidth fh fw
    windowsize kernel size pool filterheight filterwidth kernelheight kernelwidth kh kw poolshape
    filtershape window kernelshape
""")
WINDOW_WIDTH = _words("poolw ww poolwidth fw filterwidth kernelwidth kw")
WINDOW_SHAPE, STRIDE_SHAPE = _words("poolingshape poolingsize"), _words("strideshape stridesshape")
FILTER_SHAPE = _words("convolutionshape convshape")  # of one, with its channels
STRIDE = _words("stride strides steplength stridesize")
PAD = _words("pad padding pads paddings padwidth padsize paddingsize")
DILATION = _words("dilation dilations")
COUNTS = _words("numlayers nlayers depth g groups numgroups ngroups")
HEADS = _words("nheads numheads heads numhead nhead h headnum attentionheads numattentionheads")
HEAD_SIZE = _words("headdim headsize dhead dimhead dimperhead")
SEED = _words("seed randomseed randomstate")
VOCABULARY_SIZE = _words("vocabsize v numembeddings nvocab vocab")
AXIS = _words("axis dim")
WEIGHT_SHAPE = _words("transformationshape weightshape wshape weightsshape")
OUTPUT_SHAPE = _words("scoresshape xshape")
BATCH_SIZE = _words("batchsize n batch numimages m nsamples numsamples")
SEQUENCE_LENGTH = _words("seqlen sequencelength seqlength timesteps tsteps maxlen nsteps numsteps")
INPUT_SHAPE = _words("inputdim inputshape inputsize inshape imageshape imgshape")
SHAPE_IN, SHAPE_OUT = _words("shapein"), _words("shapeout outputshape outshape")
SHAPES = _words("inputshape inshape shape inputsize")

# Numbers.
FRACTIONS = _words("""
    p ratio droprate keepprob dropoutratio dropoutrate dropprob rate dropout dropoutprob
    keepprobability prob keep probability pdrop keeprate
""")
FRACTION_ENDS = _words("prob probability ratio droprate dropoutrate keeprate")
DECAY = _words("""
    reg lambd lamda lmbda lmb l2 l1 regularization weightdecay reglambda lamb lambda
    weightdecaylambda lam regstrength weightl2 weightl1 l2reg l1reg
    weightregularizerl1 weightregularizerl2
    biasregularizerl1 biasregularizerl2 weightregl2 regl2 l2lambda lambd weightdecaycoef wd biasl1
    biasl2 regularizer kernell2 decayl2 penalty l2regularization regparam regrate
""")
SMALL = {
    1e-5: _words("eps epsilon"),
    0.9: _words("momentum decay rho beta1 beta2"),
    0.1: DECAY + _words("alpha negativeslope slope leak leakage"),
    0.3: _words("weightscale weightinitstd std weightinit initstd stddev"),
    1.0: _words("margin temperature scale"),
}
ALWAYS_GIVEN = _words("mode std keepprob pdropout weightinitstd weightscale") + DECAY

# What tells a loss, by the names of classes and functions; and one that takes probabilities.
LOSS = re.compile(
    r"loss|cost|entropy|error|mse|mae|bce|hinge|criterion|squared?|quadratic|huber|likelihood|nll",
    re.IGNORECASE,
)
MEASURE = re.compile(r"acc|correct|score|hits", re.IGNORECASE)  # beside a loss
LIKELIHOOD = re.compile(
    r"entropy|bce|nll|likelihood|softmax|logistic|logloss|_ce|ce_|^ce\b|cross|binary", re.IGNORECASE
)
DERIVATIVE = re.compile(r"prime|deriv|grad|diff|^d", re.IGNORECASE)

# What people call the layers of a network, and of a pair of functions what is before `_forward`.
LAYERS = {
    "Affine": _words("""
        affine linear dense fullyconnected fc affinelayer linearlayer denselayer fclayer layerdense
        layerlinear fullyconnectedlayer lineartransform innerproduct
    """),
    "ReLU": _words("relu relulayer activationrelu reluactivation rectifier rectifiedlinear relufn"),
    "Sigmoid": _words("sigmoid sigmoidlayer activationsigmoid sigmoidactivation logistic sigm"),
    "Tanh": _words("tanh tanhlayer activationtanh tanhactivation hyperbolictangent"),
    "SoftmaxWithLoss": _words("""
        softmaxwithloss softmaxloss softmaxlosslayer softmaxcrossentropy softmaxcrossentropyloss
        softmaxwithcrossentropy softmaxandcrossentropy softmaxcrossentropywithlogits softmaxce
        activationsoftmaxlosscategoricalcrossentropy
    """),
    "Dropout": _words("dropout dropoutlayer inverteddropout layerdropout"),
    "BatchNormalization": _words("""
        batchnormalization batchnorm batchnormalisation batchnorm1d batchnormlayer bn bnlayer
        layerbatchnorm batchnormalizationlayer
    """),
}
RUNNING = {"mean": "running_?mean|moving_?mean", "variance": "(running|moving)_?var(iance)?"}

# What numpy's functions and an array's own attributes say of their arguments.
SHAPED = _words("""
    zeros ones empty full randn rand normal uniform random range reshape eye pad standard_normal
    randint arange identity
""")
OF_ARRAYS = _words("""
    dot matmul einsum tensordot exp tanh maximum minimum sum mean zeros_like ones_like transpose
    where clip multiply outer log square abs pad concatenate hstack vstack asarray array copy
""")
JOINING = _words("concatenate hstack vstack stack")  # a list of arrays
OF_AN_ARRAY = _words("shape T dot ndim sum mean astype reshape copy transpose swapaxes size")
OF_A_DICTIONARY = _words("items keys values get update")


def layer_called(name: str) -> str:
    """Return what a layer, or a forward, of this name is called here: a key of LAYERS, or "".

    >>> layer_called("Relu"), layer_called("affine_forward"), layer_called("TwoLayerNet")
    ('ReLU', 'Affine', '')
    """
    word = re.sub(r"forward(pass|prop)?|fwd", "", plain(name))
    return next((called for called, words in LAYERS.items() if word in words), "")


def is_upstream(name: str) -> bool:
    """Tell whether an argument is the gradient that comes from the right."""
    word = plain(name)
    return UPSTREAM.fullmatch(word) is not None and word not in NO_UPSTREAM


def is_several(name: str) -> bool:
    """Tell whether an argument may be all the gradients of a network, by its plural."""
    return plain(name).endswith(("grads", "gradients"))


def is_labels(name: str) -> bool:
    """Tell whether an argument is what is to be predicted."""
    return plain(name) in LABELS


def is_output(name: str) -> bool:
    """Tell whether an argument of a backward beside dout may be what forward has returned."""
    return plain(name) in OUTPUTS


def is_predicted(name: str) -> bool:
    """Tell whether an argument is what a network predicts."""
    return plain(name) in PREDICTED


def is_rate(name: str) -> bool:
    """Tell whether an argument is a learning rate."""
    return RATE.fullmatch(plain(name)) is not None


def is_array(name: str) -> bool:
    """Tell whether an argument is weights, a bias, or the like."""
    word = plain(name)
    return bool(WEIGHTS.fullmatch(word) or BIAS.fullmatch(word) or word in PER_FEATURE)
