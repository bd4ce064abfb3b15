//! The example plugins answer as their READMEs say.

use serde_json::json;
use witapi_tests::host;

#[tokio::test]
async fn an_order_with_six_faults_is_told_each_of_them() {
    let host = host().plugin("orders").start().await;
    let answer = host.post("/orders", &json!({"items": [{"qty": -1}, {"sku": 7}]})).await;
    assert_eq!(
        answer.faults(),
        [
            "body.customer missing",
            "body.delivery missing",
            "body.items[0].qty minimum",
            "body.items[0].sku missing",
            "body.items[1].qty missing",
            "body.items[1].sku type"
        ]
    );
}
