package chain

import (
	"context"

	abcicli "github.com/cometbft/cometbft/abci/client"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/libs/service"
	"github.com/cometbft/cometbft/proxy"
)

// client hands CometBFT's calls to the driver on the caller's goroutine. Unlike
// CometBFT's own it holds no lock, so signatures are checked on all cores; the
// mempool's lock already keeps checks and commits apart.
type client struct {
	service.BaseService
	abci.Application
	answered abcicli.Callback
}

func newClient(app abci.Application) *client {
	c := &client{Application: app}
	c.BaseService = *service.NewBaseService(nil, "client", c)
	return c
}

// Error is nil: nothing lies between the two sides.
func (c *client) Error() error { return nil }

// Flush has nothing to wait for.
func (c *client) Flush(context.Context) error { return nil }

// Echo answers what it was asked.
func (c *client) Echo(_ context.Context, message string) (*abci.ResponseEcho, error) {
	return &abci.ResponseEcho{Message: message}, nil
}

// SetResponseCallback is called once, before the first CheckTxAsync.
func (c *client) SetResponseCallback(answered abcicli.Callback) { c.answered = answered }

// CheckTxAsync checks at once and reports to the mempool before it returns.
func (c *client) CheckTxAsync(ctx context.Context, r *abci.RequestCheckTx) (*abcicli.ReqRes, error) {
	response, err := c.CheckTx(ctx, r)
	if err != nil {
		return nil, err
	}
	pair := abcicli.NewReqRes(abci.ToRequestCheckTx(r))
	pair.Response = abci.ToResponseCheckTx(response)
	c.answered(pair.Request, pair.Response)
	pair.InvokeCallback()
	return pair, nil
}

// conns are the ways in which CometBFT reaches the driver.
type conns struct {
	service.BaseService
	client  *client
	metrics *proxy.Metrics
}

func newConns(app abci.Application) *conns {
	c := &conns{client: newClient(app), metrics: proxy.NopMetrics()}
	c.BaseService = *service.NewBaseService(nil, "conns", c)
	return c
}

// Mempool is the way of the checks.
func (c *conns) Mempool() proxy.AppConnMempool { return proxy.NewAppConnMempool(c.client, c.metrics) }

// Consensus is the way of the blocks.
func (c *conns) Consensus() proxy.AppConnConsensus {
	return proxy.NewAppConnConsensus(c.client, c.metrics)
}

// Query is the way of the question where to go on from.
func (c *conns) Query() proxy.AppConnQuery { return proxy.NewAppConnQuery(c.client, c.metrics) }

// Snapshot is the way of the state that is given to others and taken from them.
func (c *conns) Snapshot() proxy.AppConnSnapshot {
	return proxy.NewAppConnSnapshot(c.client, c.metrics)
}
